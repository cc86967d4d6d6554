// A graph that is too large for a browser comes in parts: its strongest nodes first, what is around a node when it is chosen, and what is looked for.

import { at, element } from './circuit-dom.js'
import { chosen, listen, open, state } from './circuit-state.js'

const FIRST = 300
const MOST = 3000

/** What was asked for: how many of the strongest nodes, between which positions, with which words, and the nodes that were looked at more closely. */
const asked = { nodes: FIRST, from: '', to: '', find: '', around: new Set() }

/** The address of the part that is wanted; of a graph that comes as a whole its own. */
export function addressOf (graph) {
  if (!isPart(graph)) return graph
  const saved = new URLSearchParams(location.search)
  for (const id of [saved.get('clickedId'), ...(saved.get('pinnedIds') ?? '').split(',')]) if (id) asked.around.add(id)
  const query = new URLSearchParams({ nodes: asked.nodes })
  for (const key of ['from', 'to', 'find']) if (asked[key] !== '') query.set(key, asked[key])
  for (const id of asked.around) query.append('node', id)
  return `${graph}?${query}`
}
const isPart = graph => graph.endsWith('/sub')

let latest = 0
/** Fetches what is wanted now; the view stays as it is. */
async function fetchPart () {
  const mine = ++latest
  const status = at('part-status')
  status.textContent = 'fetching …'
  try {
    const answer = await fetch(addressOf(at('circuit').dataset.graph))
    const file = await answer.json()
    if (mine !== latest) return
    if (!answer.ok) throw new Error(file.detail)
    const { scrollLeft, scrollTop } = at('graph')
    open(file)
    at('graph').scrollTo(scrollLeft, scrollTop)
  } catch (problem) {
    if (mine === latest) status.textContent = problem.message
  }
}

function bar () {
  const button = (id, text, onclick) => element('button', { type: 'button', class: 'quiet', id, onclick }, text)
  const place = (key, name) => element('input', { type: 'number', id: `part-${key}`, min: 0, max: state.graph.file.metadata.prompt_tokens.length - 1, value: asked[key], 'aria-label': `${name} position`, onchange: ({ target }) => { asked[key] = target.value; fetchPart() } })
  const made = element('div', { id: 'part', class: 'choices' },
    element('span', { id: 'part-told', role: 'status' }),
    button('part-more', 'more nodes', () => { asked.nodes = Math.min(MOST, asked.nodes * 2); fetchPart() }),
    element('label', {}, 'positions ', place('from', 'first'), ' to ', place('to', 'last')),
    element('label', {}, 'in the whole graph ', element('input', { type: 'search', id: 'part-find', placeholder: 'words, then Enter', value: asked.find, onchange: ({ target }) => { asked.find = target.value.trim(); fetchPart() } })),
    element('span', { id: 'part-status', class: 'note', role: 'status' }))
  at('graph').closest('.circuit-sides').before(made)
}

listen(['graph'], () => {
  const { part } = state.graph.file
  if (!part) { at('part')?.remove(); return }
  if (!at('part')) bar()
  const count = value => value.toLocaleString('en')
  const share = part.influence == null ? '' : ` with ${Math.round(100 * part.influence)} % of the influence`
  at('part-told').textContent = `${count(state.graph.nodes.length)} of ${count(part.nodes)} nodes${share}, ${count(state.graph.links.length)} of ${count(part.links)} edges.`
  at('part-status').textContent = asked.find ? `${count(part.found)} found` : 'A click on a node brings what is around it.'
  at('part-more').disabled = asked.nodes >= Math.min(MOST, part.found)
})
listen(['choice'], () => {
  const node = chosen()
  if (!state.graph.file.part || !node || asked.around.has(node.node_id)) return
  asked.around.add(node.node_id)
  fetchPart()
})
