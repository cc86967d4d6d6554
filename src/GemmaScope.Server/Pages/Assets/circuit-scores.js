// What a graph says in numbers: how much of it is explained, and what it predicts where features change.

import { featureOf } from './circuit-graph.js'

const upwards = nodes => nodes.toSorted((a, b) => a.row - b.row)

/** Replacement and completeness score of a part of a graph, as for whole graphs: features that are left out count as errors. */
export function scoresOf (graph, has) {
  const targets = graph.nodes.filter(node => node.kind === 'target')
  const weighs = targets.some(node => node.token_prob > 0)
  const influence = new Map()
  const mass = node => (influence.get(node) ?? 0) + (node.kind === 'target' ? (weighs ? node.token_prob ?? 0 : 1) : 0)
  const isUnexplained = node => node.kind === 'error' || (node.kind === 'feature' && !has(node))
  let missed = 0
  for (const node of upwards(graph.nodes).reverse()) {
    const own = mass(node)
    if (own === 0 || node.into === 0 || isUnexplained(node)) continue
    for (const { source, weight } of node.inputs) {
      const part = own * Math.abs(weight) / node.into
      influence.set(source, (influence.get(source) ?? 0) + part)
      if (isUnexplained(source)) missed += part
    }
  }
  let [tokens, unexplained, all] = [0, 0, 0]
  for (const node of graph.nodes) {
    all += mass(node)
    if (node.kind === 'token') tokens += mass(node)
    else if (isUnexplained(node)) unexplained += mass(node)
  }
  return { replacement: tokens / (tokens + unexplained), completeness: (all - missed) / all }
}

/** What the edges say about each target when features change: by all ways through the features of the graph, each passing on what changes in proportion.
 * @param relative By node how much its activation changes, as a part of it. */
export function predicted (graph, relative) {
  const changes = new Map(relative)
  const found = new Map()
  for (const node of upwards(graph.nodes)) {
    if (changes.has(node) || (node.kind !== 'target' && !(node.kind === 'feature' && node.activation))) continue
    let change = 0
    for (const { source, weight } of node.inputs) change += weight * (changes.get(source) ?? 0)
    if (node.kind === 'target') found.set(node, change)
    else if (change !== 0) changes.set(node, change / node.activation)
  }
  return found
}

/** The nodes of one feature, at all positions. */
export function sameFeature (graph, node) {
  const one = featureOf(node)
  return graph.nodes.filter(other => { const of = featureOf(other); return of && of.layer === one.layer && of.feature === one.feature })
}
