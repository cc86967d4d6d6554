// The pinned nodes as a picture of their own: boxes with names, groups of them as one.

import { at, digits, element, shape, shortened } from './circuit-dom.js'
import { changed, choose, groupOf, listen, nameOf, placeOf, state } from './circuit-state.js'

const [HEIGHT, GAP, ROUND] = [40, 34, 24]

/** The boxes: a group of nodes is one. */
export function boxes () {
  const { graph, view } = state
  const made = new Map()
  for (const id of view.pinned) {
    const node = graph.byId.get(id)
    const group = groupOf(id)
    const key = group ? `group:${view.supernodes.indexOf(group)}` : id
    if (!made.has(key)) made.set(key, { key, group, nodes: [], name: group ? group[0] : nameOf(node) })
    made.get(key).nodes.push(node)
  }
  for (const box of made.values()) {
    const mean = pick => box.nodes.reduce((sum, node) => sum + pick(node), 0) / box.nodes.length
    box.row = mean(node => node.row)
    box.column = mean(node => node.ctx_idx)
  }
  return [...made.values()]
}

/** The edges between boxes, added up. */
function between (all) {
  const holder = new Map(all.flatMap(box => box.nodes.map(node => [node, box])))
  const made = new Map()
  for (const { source, target, weight } of state.graph.links) {
    const [from, to] = [holder.get(source), holder.get(target)]
    if (!from || !to || from === to) continue
    const key = `${from.key}>${to.key}`
    made.set(key, { from, to, weight: (made.get(key)?.weight ?? 0) + weight })
  }
  return [...made.values()]
}

function picture () {
  const svg = at('picture')
  const focused = document.activeElement?.dataset?.box
  const all = boxes()
  at('pinned').hidden = all.length === 0
  svg.replaceChildren()
  if (all.length === 0) return
  const width = Math.max(at('pinned').clientWidth - 8, 300)
  const boxWidth = Math.min(170, width / 2 - 16)
  const rows = [...new Set(all.map(one => Math.round(one.row)))].sort((a, b) => b - a)
  svg.setAttribute('height', rows.length * (HEIGHT + GAP) + 10)
  svg.setAttribute('width', width)
  for (const [i, row] of rows.entries()) {
    const line = all.filter(one => Math.round(one.row) === row).sort((a, b) => a.column - b.column)
    line.forEach((box, j) => {
      const own = state.view.places[box.key]
      box.x = own ? own[0] * width : (j + 0.5) * width / line.length
      box.y = own ? own[1] : i * (HEIGHT + GAP) + HEIGHT / 2 + 5
    })
  }
  const edges = between(all)
  const most = Math.max(...edges.map(one => Math.abs(one.weight)), 1e-9)
  for (const { from, to, weight } of edges) {
    const [top, bottom] = [from.y - HEIGHT / 2, to.y + HEIGHT / 2]
    svg.append(shape('path', { d: `M${from.x} ${top}C${from.x} ${top - ROUND} ${to.x} ${bottom + ROUND} ${to.x} ${bottom}`, class: weight > 0 ? 'edge' : 'edge less', 'stroke-width': 0.6 + 5 * Math.abs(weight) / most },
      { title: `${from.name} → ${to.name}: ${digits(weight)}` }))
  }
  for (const box of all) svg.append(markOf(box, boxWidth))
  if (focused) focusOn(focused)
}

function markOf (box, width) {
  const letters = Math.floor(width / 7.2)
  const kinds = ['box', box.nodes[0].kind, box.group && 'group', box.nodes.some(one => one.node_id === state.view.clicked) && 'clicked']
  const mark = shape('g', { class: kinds.filter(Boolean).join(' '), transform: `translate(${box.x - width / 2} ${box.y - HEIGHT / 2})`, tabindex: 0, role: 'button', 'data-box': box.key, 'aria-label': box.name })
  mark.append(shape('rect', { width, height: HEIGHT, rx: 8 }),
    shape('text', { x: width / 2, y: 17, 'text-anchor': 'middle' }, { text: shortened(box.name, letters) }),
    shape('text', { x: width / 2, y: 32, 'text-anchor': 'middle', class: 'axis' }, { text: box.nodes.length > 1 ? `${box.nodes.length} nodes` : placeOf(box.nodes[0]).slice(0, letters + 4) }),
    shape('title', {}, { text: box.name }))
  return mark
}

const boxOf = target => { const key = target.closest?.('[data-box]')?.dataset.box; return key === undefined ? undefined : boxes().find(one => one.key === key) }

/** Dragging a box moves it; onto another one, it joins it. */
let dragged
at('picture').addEventListener('pointerdown', event => {
  const box = boxOf(event.target)
  if (!box) return
  dragged = { box, mark: event.target.closest('[data-box]'), from: [event.clientX, event.clientY], moved: false }
  event.target.setPointerCapture?.(event.pointerId)
})
at('picture').addEventListener('pointermove', event => {
  if (!dragged) return
  const [dx, dy] = [event.clientX - dragged.from[0], event.clientY - dragged.from[1]]
  if (Math.hypot(dx, dy) < 4 && !dragged.moved) return
  dragged.moved = true
  const [, x, y] = dragged.start ??= dragged.mark.getAttribute('transform').match(/translate\(([-\d.]+) ([-\d.]+)\)/)
  dragged.mark.setAttribute('transform', `translate(${+x + dx} ${+y + dy})`)
})
at('picture').addEventListener('pointerup', event => {
  if (!dragged) return
  const { box, mark, moved } = dragged
  dragged = undefined
  if (!moved) { choose(box.nodes[0]); return }
  mark.style.pointerEvents = 'none'
  const under = document.elementsFromPoint(event.clientX, event.clientY).map(boxOf).find(other => other && other.key !== box.key)
  if (under) { join(box, under); return }
  const inside = at('picture').getBoundingClientRect()
  state.view.places[box.key] = [+((event.clientX - inside.left) / inside.width).toFixed(3), Math.round(Math.max(20, event.clientY - inside.top))]
  changed('places')
})
function join (one, other) {
  const ids = [...other.nodes, ...one.nodes].map(node => node.node_id)
  const name = other.group?.[0] ?? one.group?.[0] ?? other.name
  setGroups([...state.view.supernodes.filter(group => group !== one.group && group !== other.group), [name, ...ids]])
}

/** Puts other groups in the place of those there are: each a name and the ids of its nodes. */
export function setGroups (groups) {
  state.view.supernodes = groups
  state.view.places = {}
  changed('names')
}

/** A name is changed where it stands: Enter keeps it, Escape leaves it as it was; an empty one gives the first name back. */
function rename (box) {
  const field = element('input', { class: 'rename', value: box.name, 'aria-label': `a name for ${box.name}` })
  const place = at('picture').querySelector(`[data-box="${CSS.escape(box.key)}"] rect`).getBoundingClientRect()
  const inside = at('canvas').getBoundingClientRect()
  Object.assign(field.style, { left: `${place.left - inside.left}px`, top: `${place.top - inside.top}px`, width: `${place.width}px`, height: `${place.height}px` })
  let done = false
  const end = keep => {
    if (done) return
    done = true
    const name = field.value.trim()
    field.remove()
    if (!keep || name === box.name) return
    if (box.group) box.group[0] = name || box.group[0]
    else if (name) state.view.names.set(box.nodes[0].node_id, name)
    else state.view.names.delete(box.nodes[0].node_id)
    changed('names')
  }
  field.addEventListener('keydown', event => {
    event.stopPropagation()
    if (event.key === 'Enter' || event.key === 'Escape') { end(event.key === 'Enter'); focusOn(box.key) }
  })
  field.addEventListener('blur', () => end(true))
  at('canvas').append(field)
  field.select()
}
const focusOn = key => at('picture').querySelector(`[data-box="${CSS.escape(key)}"]`)?.focus({ preventScroll: true })
at('picture').addEventListener('dblclick', event => { const box = boxOf(event.target); if (box) rename(box) })
at('picture').addEventListener('keydown', event => {
  const box = boxOf(event.target)
  if (!box) return
  if (event.key === 'Enter') choose(box.nodes[0])
  else if (event.key === 'F2') rename(box)
  else if (event.key === 'Delete') { for (const node of box.nodes) state.view.pinned.delete(node.node_id); changed('pins') } else if (event.key === 'u' && box.group) setGroups(state.view.supernodes.filter(one => one !== box.group))
})
at('ungroup').addEventListener('click', () => setGroups([]))
at('unpin').addEventListener('click', () => { state.view.pinned.clear(); state.view.supernodes = []; state.view.places = {}; changed('pins') })

listen(['graph', 'pins', 'names', 'places'], picture)
// The boxes stay: a click that drew them anew would take the second of a double click its target.
listen(['choice'], () => {
  for (const mark of at('picture').querySelectorAll('.box')) mark.classList.toggle('clicked', boxOf(mark)?.nodes.some(one => one.node_id === state.view.clicked))
})
addEventListener('resize', () => { if (state.graph) picture() })
