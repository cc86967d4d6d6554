// The drawing of a graph: positions across, layers up; edges on a canvas, nodes as SVG.

import { at, shape, shortened } from './circuit-dom.js'
import { changed, choose, chosen, indexOf, isShown, listen, nameOf, pin, placeOf, state, tokenAt, tokenOf } from './circuit-state.js'

const SHAPES = { token: 'M-5-5H5V5H-5Z', target: 'M-6-6H6V6H-6Z', error: 'M0-5 5 0 0 5-5 0Z', feature: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z' }
const MOST_EDGES = 10000
/** Edges that are drawn while a slider moves. */
const MOVING_EDGES = 1500
const REST = 150
/** Milliseconds until a node that nobody points at any more is left. */
const LEAVING = 80
const LEFT = 44
/** Browsers refuse wider canvases; a wide drawing has fewer points for a pixel. */
const WIDEST = 16384

/** Places of all nodes that are shown: a column for each position, as wide as its fullest layer needs. */
function arrange (width) {
  for (const node of state.graph.nodes) node.shown = isShown(node)
  const shown = state.graph.nodes.filter(node => node.shown)
  const cells = Map.groupBy(shown, node => `${node.ctx_idx},${node.row}`)
  const fullest = new Map()
  for (const cell of cells.values()) fullest.set(cell[0].ctx_idx, Math.max(fullest.get(cell[0].ctx_idx) ?? 0, cell.length))
  const columns = [...fullest].sort(([a], [b]) => a - b)
  const total = columns.reduce((sum, [, most]) => sum + most + 1, 0)
  // Closer together they could not be told apart; the box scrolls.
  const step = Math.max((width - LEFT) / total, 7)
  const starts = new Map()
  let x = LEFT
  for (const [position, most] of columns) { starts.set(position, [x, (most + 1) * step]); x += (most + 1) * step }
  const rows = [...new Set(shown.map(one => one.row))].sort((a, b) => a - b)
  const height = Math.max(26 * rows.length, Math.min(44 * rows.length, 380))
  const up = new Map(rows.map((row, i) => [row, height - (i + 0.5) * height / rows.length]))
  for (const cell of cells.values()) {
    cell.sort((a, b) => (a.influence ?? 0) - (b.influence ?? 0))
    const [start, room] = starts.get(cell[0].ctx_idx)
    cell.forEach((node, i) => { node.x = start + (i + 1) * room / (cell.length + 1); node.y = up.get(node.row) })
  }
  state.order = shown.sort((a, b) => b.row - a.row || a.x - b.x)
  return { width: Math.max(x, width), height, columns: starts, rows: up }
}

let placed, colours
function draw (most = MOST_EDGES) {
  const { graph } = state
  const focused = document.activeElement?.dataset?.id
  placed = arrange(at('drawing').clientWidth)
  const style = getComputedStyle(at('edges'))
  colours = [style.getPropertyValue('--two'), style.getPropertyValue('--one')]
  const svg = at('nodes')
  svg.setAttribute('width', placed.width)
  svg.setAttribute('height', placed.height + 34)
  const hasTargets = graph.nodes.some(one => one.kind === 'target' && one.row === graph.last)
  const axes = shape('g')
  for (const [row, y] of placed.rows) {
    axes.append(shape('line', { x1: LEFT - 4, x2: placed.width, y1: y, y2: y, class: 'rule' }),
      shape('text', { x: 0, y: y + 4, class: 'axis' }, { text: row < 0 ? 'token' : row === graph.last && hasTargets ? 'next' : `L${row}` }))
  }
  for (const [position, [start, room]] of placed.columns) {
    const text = tokenAt(position)
    axes.append(shape('text', { x: start + room / 2, y: placed.height + 18, class: 'axis word', 'text-anchor': 'middle' },
      { text: shortened(text, Math.max(2, Math.floor(room / 7))), title: `${position}: ${text}` }))
  }
  if (svg.graph !== graph) svg.replaceChildren()
  svg.graph = graph
  if (svg.firstChild) svg.firstChild.replaceWith(axes); else svg.append(axes)
  putMarks(svg)
  seek()
  paintAll(most)
  paint()
  if (focused && graph.byId.get(focused)) graph.byId.get(focused).mark?.focus({ preventScroll: true })
}

/** The marks in reading order behind the axes. One that is there stays and is moved at most: a slider draws many times a second. */
function putMarks (svg) {
  for (const node of state.graph.nodes) if (!node.shown) node.mark?.remove()
  let next = svg.firstChild.nextSibling
  for (const node of state.order) {
    node.mark ??= shape('path', { d: SHAPES[node.kind], 'data-id': node.node_id, tabindex: -1, role: 'button' })
    set(node, 'transform', `translate(${node.x} ${node.y})`)
    set(node, 'aria-label', `${nameOf(node)}, ${placeOf(node)}`)
    if (next === node.mark) next = next.nextSibling
    else svg.insertBefore(node.mark, next)
  }
}
/** An attribute of a mark, where it is another one than before. */
function set (node, name, value) {
  const drawn = node.drawn ??= {}
  if (drawn[name] !== value) node.mark.setAttribute(name, drawn[name] = value)
}

/** A canvas of the size of the drawing, empty. Its memory is taken anew only when the size is another one. */
function pen (canvas) {
  const scale = Math.min(devicePixelRatio || 1, WIDEST / placed.width)
  const [width, height] = [Math.round(placed.width * scale), Math.round(placed.height * scale)]
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
    canvas.style.width = `${placed.width}px`
    canvas.style.height = `${placed.height}px`
  }
  const made = canvas.getContext('2d')
  made.setTransform(scale, 0, 0, scale, 0, 0)
  made.clearRect(0, 0, placed.width, placed.height)
  return made
}
function lines (canvas, links, alpha, heaviest) {
  const drawn = pen(canvas)
  drawn.globalAlpha = alpha
  for (const { source, target, weight } of links) {
    if (!source.shown || !target.shown) continue
    drawn.strokeStyle = colours[+(weight > 0)]
    drawn.lineWidth = 0.3 + 3.5 * Math.abs(weight) / heaviest
    drawn.beginPath()
    drawn.moveTo(source.x, source.y)
    drawn.lineTo(target.x, target.y)
    drawn.stroke()
  }
}
/** All edges, pale, once: what is pointed at is drawn above them, so that pointing costs its own edges alone. */
const paintAll = (most = MOST_EDGES) => lines(at('edges'), state.graph.links.slice(0, most), 0.16, state.graph.heaviest)

/** While a slider moves the strongest edges have to do; the others follow when it rests. */
let resting
function drawMoving () {
  clearTimeout(resting)
  draw(MOVING_EDGES)
  if (state.graph.links.length > MOVING_EDGES) resting = setTimeout(() => paintAll(), REST)
}

/** Finds what is looked for. */
function seek () {
  const words = state.view.sought.toLowerCase().split(/\s+/).filter(Boolean)
  let found = 0
  for (const node of state.order) {
    node.hit = words.length > 0 && words.every(word => `${nameOf(node)} ${indexOf(node)} ${tokenOf(node)}`.toLowerCase().includes(word))
    if (node.hit) found++
  }
  at('sought').textContent = words.length ? `${found} found` : ''
}

/** Marks what is chosen and found, and draws the edges of the node that is pointed at or chosen. */
function paint () {
  const { view, order, hovered } = state
  const about = hovered ?? chosen()
  const own = [...about?.inputs ?? [], ...about?.outputs ?? []]
  const near = new Set(own.flatMap(link => [link.source, link.target]))
  for (const node of order) {
    set(node, 'class', `node ${node.kind}${view.pinned.has(node.node_id) ? ' pinned' : ''}${node.node_id === view.clicked ? ' clicked' : ''}${about && node !== about && !near.has(node) ? ' far' : ''}${node.hit ? ' hit' : ''}`)
  }
  at('edges').classList.toggle('far', about !== undefined)
  lines(at('near'), own, 0.85, own.reduce((most, link) => Math.max(most, Math.abs(link.weight)), 1e-9))
  at('pointed').textContent = hovered ? `${nameOf(hovered)} — ${placeOf(hovered)}` : ''
}

listen(['graph', 'pins', 'names'], () => draw())
listen(['shown'], drawMoving)
// A node that pruning hides is shown while it is chosen.
listen(['choice'], () => draw())
listen(['hover'], paint)
listen(['search'], () => { seek(); paint() })

const nodeAt = target => state.graph?.byId.get(target?.dataset?.id)
let leaving
function point (node) {
  clearTimeout(leaving)
  if (state.hovered !== node) { state.hovered = node; changed('hover') }
}
for (const event of ['pointerover', 'focusin']) at('nodes').addEventListener(event, ({ target }) => { const node = nodeAt(target); if (node) point(node) })
// From one node to the next, also over free ground, nothing comes near in between: that would draw all nodes anew.
for (const event of ['pointerout', 'focusout']) {
  at('nodes').addEventListener(event, () => {
    clearTimeout(leaving)
    leaving = setTimeout(() => point(undefined), LEAVING)
  })
}
at('nodes').addEventListener('click', event => {
  const node = nodeAt(event.target)
  if (!node) return
  if (event.ctrlKey || event.metaKey || event.shiftKey) pin(node); else choose(node)
})
at('nodes').addEventListener('dblclick', ({ target }) => { const node = nodeAt(target); if (node) { state.view.clicked = node.node_id; pin(node) } })

at('graph').addEventListener('keydown', event => {
  const { order } = state
  const node = nodeAt(event.target) ?? chosen() ?? order[0]
  if (!node) return
  const rows = [...placed.rows.keys()]
  const near = (row, x) => order.filter(one => one.row === row).reduce((best, one) => !best || Math.abs(one.x - x) < Math.abs(best.x - x) ? one : best, null)
  const aside = by => { const line = order.filter(one => one.row === node.row); return line[line.indexOf(node) + by] }
  const next = {
    ArrowLeft: () => aside(-1),
    ArrowRight: () => aside(1),
    ArrowUp: () => near(rows[rows.indexOf(node.row) + 1], node.x),
    ArrowDown: () => near(rows[rows.indexOf(node.row) - 1], node.x)
  }[event.key]
  if (next) { event.preventDefault(); event.stopPropagation(); (next() ?? node).mark.focus() } else if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(node) } else if (event.key === 'p') pin(node)
})

at('seek').addEventListener('input', ({ target }) => { state.view.sought = target.value; changed('search') })
at('seek').addEventListener('keydown', event => {
  if (event.key !== 'Enter') return
  event.preventDefault()
  const hit = state.order.find(one => one.hit)
  if (hit) { choose(hit); hit.mark.focus() }
})
addEventListener('resize', () => { if (state.graph) draw() })
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { if (state.graph) draw() })
