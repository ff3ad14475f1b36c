import { Rank, type ProducerNode } from './producer-node.ts'

/**
 * Chooses the nsqd for the next batch of a topic; undefined when it has to wait for one. One that is sick, or hidden for
 * the topic, is chosen when there is no better one.
 */
export type Choice = (nodes: readonly ProducerNode[], topic: string) => ProducerNode | undefined

/** The first one in their order, so that the others are spares. */
export const chooseFirst: Choice = (nodes, topic) => {
  let best: ProducerNode | undefined
  let bestRank: number = Rank.down
  for (const node of nodes) {
    // The preferred nsqd gets the time of its first attempt, or a spare that connects sooner would take its place.
    if (node.isUndecided) return undefined
    const rank = node.rank(topic)
    if (rank === Rank.ready) return node
    if (rank < bestRank) {
      best = node
      bestRank = rank
    }
  }
  return best
}

/** Each one in turn. */
export const chooseNext: Choice = (nodes, topic) => chooseBest(nodes, topic, () => 0)

/**
 * The one with the fewest bytes that it has not acknowledged; of those with as few, each in turn. Bytes and not messages:
 * they are what a slow nsqd, or a slow way to it, is behind with, however they are divided.
 */
export const chooseLeastPending: Choice = (nodes, topic) =>
  chooseBest(nodes, topic, node => node.pendingBytes)

/** Of the best the one with the least load, and of those the one that has waited for its turn the longest. */
function chooseBest(
  nodes: readonly ProducerNode[],
  topic: string,
  load: (node: ProducerNode) => number,
): ProducerNode | undefined {
  let best: ProducerNode | undefined
  let bestRank: number = Rank.down
  let bestLoad = 0
  for (const node of nodes) {
    const rank = node.rank(topic)
    if (rank === Rank.down || rank > bestRank) continue
    const its = load(node)
    const isBetter =
      best === undefined ||
      rank < bestRank ||
      its < bestLoad ||
      (its === bestLoad && node.lastTurn < best.lastTurn)
    if (!isBetter) continue
    best = node
    bestRank = rank
    bestLoad = its
  }
  return best
}
