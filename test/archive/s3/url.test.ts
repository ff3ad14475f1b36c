import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatS3Url, isS3Url, parseS3Endpoint, parseS3Url } from '../../../src/archive/s3/url.ts'

describe('a place in S3', () => {
  const places: readonly [text: string, bucket: string, prefix: string, id: string][] = [
    ['s3://bucket', 'bucket', '', 's3://bucket'],
    ['s3://bucket/', 'bucket', '', 's3://bucket'],
    ['s3://bucket///', 'bucket', '', 's3://bucket'],
    ['S3://bucket/a', 'bucket', 'a/', 's3://bucket/a'],
    ['s3://my.bucket-1/a/b//', 'my.bucket-1', 'a/b/', 's3://my.bucket-1/a/b'],
    ['s3://bucket/with spaces/ünï', 'bucket', 'with spaces/ünï/', 's3://bucket/with spaces/ünï'],
    ['s3://bucket/a%20b?c#d', 'bucket', 'a%20b?c#d/', 's3://bucket/a%20b?c#d'],
    ['s3://bucket/..a/.b', 'bucket', '..a/.b/', 's3://bucket/..a/.b'],
  ]
  for (const [text, bucket, prefix, id] of places) {
    test(text, () => {
      const url = parseS3Url(text)
      assert.deepEqual(url, { bucket, prefix })
      assert.equal(formatS3Url(url), id)
      assert.deepEqual(parseS3Url(id), url)
      assert.equal(formatS3Url(url, 'x.log'), `${id}/x.log`)
    })
  }

  const wrong: readonly [text: string, message: RegExp][] = [
    ['bucket/a', /^"bucket\/a" is not like s3:\/\/bucket\/prefix$/],
    ['s3:/bucket', /is not like/],
    ['s3://', /^there is no bucket/],
    ['s3:///a', /^there is no bucket/],
    ['s3://ab', /^"ab" cannot be a bucket/],
    [`s3://${'a'.repeat(64)}`, /cannot be a bucket/],
    ['s3://My-Bucket/a', /\(is it "my-bucket"\?\)$/],
    ['s3://my_bucket', /^"my_bucket" cannot be a bucket: 3 to 63 small letters, digits, dashes and dots$/],
    ['s3://bücket', /cannot be a bucket/],
    ['s3://a..b', /cannot be a bucket/],
    ['s3://-abc', /cannot be a bucket/],
    ['s3://127.0.0.1/a', /cannot be a bucket/],
    ['s3://host:9000/bucket', /cannot be a bucket/],
    ['s3://bucket//a', /has two slashes in a row$/],
    ['s3://bucket/a//b', /has two slashes in a row$/],
    ['s3://bucket/../a', /^the prefix may not have ".." in it$/],
    ['s3://bucket/a/.', /^the prefix may not have "." in it$/],
    ['s3://bucket/a\nb', /control character/],
    [`s3://bucket/${'ü'.repeat(350)}`, /longer than 700 bytes$/],
  ]
  for (const [text, message] of wrong) {
    test(`not ${JSON.stringify(text).slice(0, 40)}`, () => {
      assert.throws(() => parseS3Url(text), { name: 'RangeError', message })
    })
  }

  test('is told from a folder', () => {
    assert.deepEqual(['s3://b', 'S3://b', './s3', 's3:/b', '/s3://b'].map(isS3Url), [
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('an endpoint', () => {
  test('is the address of a server', () => {
    assert.equal(parseS3Endpoint('http://127.0.0.1:9000'), 'http://127.0.0.1:9000')
    assert.equal(parseS3Endpoint('https://s3.example.com/base/'), 'https://s3.example.com/base')
  })

  for (const text of [
    '127.0.0.1:9000',
    'localhost:9000',
    's3.example.com',
    'ftp://a',
    '',
    'http://',
    'http://a/?b',
    'http://a#b',
  ]) {
    test(`not ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseS3Endpoint(text), { name: 'RangeError' })
    })
  }

  test('holds no password, and none is repeated', () => {
    assert.throws(
      () => parseS3Endpoint('http://me:secret@127.0.0.1'),
      (error: Error) => error instanceof RangeError && !error.message.includes('secret'),
    )
  })
})
