/** A text with other addresses than those that it was written with. What has one more digit is another address. */
export function withAddresses(text: string, replacements: Readonly<Record<string, string>>): string {
  const addresses = Object.keys(replacements).map(address => address.replaceAll('.', '\\.'))
  return text.replaceAll(
    new RegExp(`(?:${addresses.join('|')})(?!\\d)`, 'g'),
    address => replacements[address] ?? address,
  )
}
