// A graph as a file has it, of this program or another, made ready to be drawn.

const KINDS = { embedding: 'token', logit: 'target', 'mlp reconstruction error': 'error' }

/** The nodes by id and in rows, each with its neighbours, the strongest first. */
export function read (file) {
  for (const part of ['metadata', 'nodes', 'links']) if (!file?.[part]) throw new Error(`this is no attribution graph: it has no ${part}`)
  const nodes = file.nodes.map(one => ({ ...one, kind: KINDS[one.feature_type] ?? 'feature', inputs: [], outputs: [] }))
  const byId = new Map(nodes.map(one => [one.node_id, one]))
  const links = file.links.map(({ source, target, weight }) => ({ source: byId.get(source), target: byId.get(target), weight })).filter(one => one.source && one.target)
  links.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
  for (const link of links) { link.source.outputs.push(link); link.target.inputs.push(link) }
  for (const node of nodes) {
    node.row = node.layer === 'E' ? -1 : +node.layer
    // Of a part of a graph its file says how much leads to a node in the whole.
    node.into ??= node.inputs.reduce((sum, link) => sum + Math.abs(link.weight), 0)
  }
  return { file, nodes, links, byId, last: nodes.reduce((most, one) => Math.max(most, one.row), 0), heaviest: Math.abs(links[0]?.weight ?? 1) }
}

/** Layer, index and position of a feature, as the id of its node has them; null for other nodes. */
export function featureOf (node) {
  const index = node.jsNodeId?.match(/^\d+_(\d+)/)?.[1]
  return node.kind === 'feature' && index !== undefined ? { layer: node.row, feature: +index, position: node.ctx_idx } : null
}

/** The token of a target, and the one whose logit is subtracted (-1: none); null for targets of other kinds. */
export function targetOf ({ feature, target_tokens: tokens }) {
  if (Array.isArray(tokens)) return { token: tokens[0], over: tokens[1] }
  return Number.isInteger(feature) && feature >= 0 ? { token: feature, over: -1 } : null
}
