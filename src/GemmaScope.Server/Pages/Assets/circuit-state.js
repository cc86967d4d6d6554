// What is shown: a graph and the view of it. Whoever changes the view says what changed, and the parts of the page that show it follow. All of a view
// stands in the address, with the keys that other viewers of such graphs have.

import { featureOf, read } from './circuit-graph.js'
import { visible } from './circuit-dom.js'

/** The graph, its view, the node that is pointed at, and the nodes that are drawn in reading order. */
export const state = { graph: undefined, view: undefined, hovered: undefined, order: [] }

const listeners = []
/** Calls a function when one of some things changes: graph, shown, pins, names, choice, places, whatif, attention, look, hover, search. */
export const listen = (things, listener) => listeners.push([things, listener])

const PASSING = ['hover', 'search']
/** Says that something of the view changed. */
export function changed (...things) {
  if (things.some(one => !PASSING.includes(one))) remember()
  for (const [those, listener] of listeners) if (those.some(one => things.includes(one))) listener()
}

/** Shows a graph. */
export function open (file) {
  state.graph = read(file)
  state.view = viewOf(location.search, file)
  state.hovered = undefined
  changed('graph')
}

/** The view of an address; what it does not say is in the file. */
function viewOf (search, file) {
  const asked = new URLSearchParams(search)
  const saved = file.qParams ?? {}
  const list = key => asked.has(key) ? asked.get(key).split(',').filter(Boolean) : saved[key] ?? []
  const json = (key, fallback) => { try { return JSON.parse(asked.get(key)) ?? fallback } catch { return fallback } }
  const share = key => { const value = parseFloat(asked.get(key) ?? 1); return value >= 0 && value <= 1 ? value : 1 }
  return {
    pinned: new Set(list('pinnedIds').filter(id => state.graph.byId.has(id))),
    clicked: state.graph.byId.get(asked.get('clickedId') ?? saved.clickedId)?.node_id ?? '',
    supernodes: json('supernodes', saved.supernodes ?? []).filter(one => Array.isArray(one) && one.length > 1),
    names: new Map(json('clerps', []).filter(one => Array.isArray(one))),
    pruning: share('pruningThreshold'),
    density: share('densityThreshold'),
    places: json('subgraph', {}),
    whatif: whatifOf(json('whatif', {})),
    attention: attentionOf(asked.get('attention'), file.metadata.prompt_tokens.length),
    sought: ''
  }
}

/** Which features are changed, and how: by node x0 for off, x2 for twice as strong, =12.5 for that activation. */
function whatifOf ({ changes, mode, where, tokens }) {
  return {
    changes: new Map((Array.isArray(changes) ? changes : []).filter(one => Array.isArray(one) && state.graph.byId.has(one[0]) && /^[x=]-?\d+(\.\d+)?(e-?\d+)?$/.test(one[1]))),
    mode: ['attention_frozen', 'constrained'].includes(mode) ? mode : 'free',
    where: where === 'everywhere' ? where : 'here',
    tokens: [0, 64].includes(tokens) ? tokens : 24
  }
}
const asChanged = ({ changes, mode, where, tokens }) => changes.size === 0 ? '' : JSON.stringify({ changes: [...changes], mode, where, tokens })

/** The head that is shown: layer.head.from, and .to where a score is taken apart. */
function attentionOf (text, length) {
  const [layer, head, query, key] = (text ?? '').split('.').map(Number)
  const isPlace = value => Number.isInteger(value) && value >= 0
  return isPlace(layer) && isPlace(head) && isPlace(query) && query < length ? { layer, head, query, key: isPlace(key) && key <= query ? key : null } : null
}

function remember () {
  const { view } = state
  const asked = new URL(location.href)
  const set = (key, value) => value === '' || value === undefined ? asked.searchParams.delete(key) : asked.searchParams.set(key, value)
  set('pinnedIds', [...view.pinned].join(','))
  set('clickedId', view.clicked)
  set('supernodes', view.supernodes.length ? JSON.stringify(view.supernodes) : '')
  set('clerps', view.names.size ? JSON.stringify([...view.names]) : '')
  set('pruningThreshold', view.pruning < 1 ? view.pruning : '')
  set('densityThreshold', view.density < 1 ? view.density : '')
  set('whatif', asChanged(view.whatif))
  set('attention', view.attention ? Object.values(view.attention).filter(one => one !== null).join('.') : '')
  set('subgraph', Object.keys(view.places).length ? JSON.stringify(view.places) : '')
  history.replaceState(history.state, '', asked)
}

export const chosen = () => state.graph.byId.get(state.view.clicked)

/** Chooses a node, or none where it was chosen already. */
export function choose (node) {
  state.view.clicked = state.view.clicked === node?.node_id ? '' : node?.node_id ?? ''
  changed('choice')
}

/** Pins a node, or takes it off. */
export function pin (node) {
  if (!state.view.pinned.delete(node.node_id)) state.view.pinned.add(node.node_id)
  changed('pins')
}

/** Whether a node is drawn: errors too are, as long as they are not pruned. */
export const isShown = node => node.kind === 'token' || node.kind === 'target' || state.view.pinned.has(node.node_id) || node.node_id === state.view.clicked ||
  ((node.influence ?? 0) <= state.view.pruning && (node.density ?? 0) <= state.view.density)

/** The group of pinned nodes that a node is in: its name, then the ids. */
export const groupOf = id => state.view.supernodes.find(one => one.slice(1).includes(id))

// How nodes are called.

export const tokenAt = position => visible(state.graph.file.metadata.prompt_tokens[position] ?? '')
export const tokenOf = node => tokenAt(node.ctx_idx)
export const indexOf = node => `${featureOf(node)?.feature ?? ''}`

/** The name a node was given here, its label, or its place. */
export function nameOf (node) {
  const given = state.view.names.get(node.node_id)
  if (given) return given
  if (node.kind === 'token') return `“${tokenOf(node)}”`
  if (node.kind === 'error') return `unexplained by layer ${node.layer}`
  return node.label ?? (node.clerp || `#${indexOf(node)} of layer ${node.layer}`)
}
export const placeOf = node => `${node.layer === 'E' ? 'token' : node.kind === 'target' ? 'output' : `layer ${node.layer}`} · at ${node.ctx_idx} “${tokenOf(node)}”`
