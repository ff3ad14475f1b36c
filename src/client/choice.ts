import { Rank, type ProducerNode } from './producer-node.ts'

/**
 * Chooses the nsqd for the next batch of a topic; undefined when it has to wait for one. One that is sick, or hidden for
 * the topic, is chosen when there is no better one. `turn` counts the choices.
 */
export type Choice = (nodes: readonly ProducerNode[], topic: string, turn: number) => ProducerNode | undefined

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
export const chooseNext: Choice = (nodes, topic, turn) => chooseBest(nodes, topic, turn, () => 0)

/**
 * The one with the fewest bytes that it has not acknowledged; of those with as few, each in turn. Bytes and not messages:
 * they are what a slow nsqd, or a slow way to it, is behind with, however they are divided.
 */
export const chooseLeastPending: Choice = (nodes, topic, turn) =>
  chooseBest(nodes, topic, turn, node => node.pendingBytes)

function chooseBest(
  nodes: readonly ProducerNode[],
  topic: string,
  turn: number,
  load: (node: ProducerNode) => number,
): ProducerNode | undefined {
  let best: ProducerNode | undefined
  let bestRank: number = Rank.down
  let bestLoad = 0
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[(turn + i) % nodes.length]
    if (node === undefined) continue
    const rank = node.rank(topic)
    if (rank > bestRank || rank === Rank.down) continue
    const its = load(node)
    if (rank < bestRank || its < bestLoad) {
      best = node
      bestRank = rank
      bestLoad = its
    }
  }
  return best
}
