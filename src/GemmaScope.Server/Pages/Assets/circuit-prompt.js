// The prompt of a graph as the server's model can read it again.

import { at } from './circuit-dom.js'
import { state } from './circuit-state.js'

/** Why the server cannot try things on the graph; empty where it can. */
export function whyNot () {
  const { intervene, model, transcoders } = at('circuit').dataset
  const { scan, transcoder_list: named } = state.graph.file.metadata
  if (!intervene) return 'This server has no transcoders in memory, so that nothing can be tried on its model.'
  const own = `${scan}`.replace(/\/$/, '').split('/').at(-1)
  if (own !== model) return `This graph is of ${own}, and this server has ${model}: what is found there says nothing about it.`
  // In addresses the same names have dashes.
  const plain = name => `${name}`.replaceAll('/', '-')
  const ours = JSON.parse(transcoders).map(plain)
  const others = Array.isArray(named) ? named.map(plain).filter(one => !ours.includes(one)) : []
  if (others.length) return `This graph was made with other transcoders than this server has (${others[0]}${others.length > 1 ? ', …' : ''}).`
  return ''
}

/** The prompt as a request has it: its tokens, which stand in the ids of the nodes of tokens, or its text where one is missing. */
export function promptOf () {
  const { nodes, file: { metadata: { prompt_tokens: texts } } } = state.graph
  const tokens = new Array(texts.length)
  for (const node of nodes) {
    const id = node.kind === 'token' && node.node_id.match(/^E_(\d+)_(\d+)$/)
    if (id && +id[2] < tokens.length) tokens[+id[2]] = +id[1]
  }
  if (!tokens.includes(undefined)) return { tokens }
  return { text: texts.slice(texts[0] === '<bos>' ? 1 : 0).join('').replaceAll('\\n', '\n') }
}

/** Asks the server's model. */
export const ask = (address, body, signal) => fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...promptOf(), ...body }), signal })
