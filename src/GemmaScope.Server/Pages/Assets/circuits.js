// An attribution graph: positions across, layers up; edges on a canvas, nodes as SVG. All of the view stands in the address.

const root = document.getElementById('circuit')
const SVG = 'http://www.w3.org/2000/svg'
const KIND = { embedding: 'token', logit: 'target', 'mlp reconstruction error': 'error' }
const SHAPES = { token: 'M-5-5H5V5H-5Z', target: 'M-6-6H6V6H-6Z', error: 'M0-5 5 0 0 5-5 0Z', feature: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z' }
const MOST_EDGES = 10000
const LISTED = 12
const at = id => document.getElementById(id)
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value)
    else if (value !== undefined && value !== false) made.setAttribute(key, value)
  }
  made.append(...children)
  return made
}
const shape = (name, attributes) => {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}
const digits = (value, places = 3) => Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(places)

let graph, view, hovered, order = []

/** What a file says, with neighbours of each node, the strongest first. */
function read (file) {
  const nodes = file.nodes.map(one => ({ ...one, kind: KIND[one.feature_type] ?? 'feature', inputs: [], outputs: [] }))
  const byId = new Map(nodes.map(one => [one.node_id, one]))
  const links = file.links.map(({ source, target, weight }) => ({ source: byId.get(source), target: byId.get(target), weight })).filter(one => one.source && one.target)
  links.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
  for (const link of links) { link.source.outputs.push(link); link.target.inputs.push(link) }
  const last = Math.max(...nodes.filter(one => one.layer !== 'E').map(one => +one.layer))
  for (const node of nodes) node.row = node.layer === 'E' ? -1 : +node.layer
  for (const node of nodes) node.into = node.inputs.reduce((sum, link) => sum + Math.abs(link.weight), 0)
  return { file, nodes, links, byId, last, heaviest: Math.abs(links[0]?.weight ?? 1) }
}

/** The view of an address, with the keys that other viewers of such graphs have; what it does not say is in the file. */
function viewOf (search, file) {
  const asked = new URLSearchParams(search)
  const saved = file.qParams ?? {}
  const list = key => asked.has(key) ? asked.get(key).split(',').filter(Boolean) : saved[key] ?? []
  const json = (key, fallback) => { try { return JSON.parse(asked.get(key)) ?? fallback } catch { return fallback } }
  return {
    pinned: new Set(list('pinnedIds').filter(id => graph.byId.has(id))),
    clicked: graph.byId.get(asked.get('clickedId') ?? saved.clickedId)?.node_id ?? '',
    supernodes: json('supernodes', saved.supernodes ?? []).filter(one => Array.isArray(one) && one.length > 1),
    names: new Map(json('clerps', []).filter(one => Array.isArray(one))),
    pruning: asked.has('pruningThreshold') ? +asked.get('pruningThreshold') : 1,
    density: asked.has('densityThreshold') ? +asked.get('densityThreshold') : 1,
    places: json('subgraph', {}),
    sought: ''
  }
}

function remember () {
  const asked = new URL(location.href)
  const set = (key, value) => value === '' || value === undefined ? asked.searchParams.delete(key) : asked.searchParams.set(key, value)
  set('pinnedIds', [...view.pinned].join(','))
  set('clickedId', view.clicked)
  set('supernodes', view.supernodes.length ? JSON.stringify(view.supernodes) : '')
  set('clerps', view.names.size ? JSON.stringify([...view.names]) : '')
  set('pruningThreshold', view.pruning < 1 ? view.pruning : '')
  set('densityThreshold', view.density < 1 ? view.density : '')
  set('subgraph', Object.keys(view.places).length ? JSON.stringify(view.places) : '')
  history.replaceState(null, '', asked)
}

const tokenOf = node => graph.file.metadata.prompt_tokens[node.ctx_idx] ?? ''
const seen = text => text.replace(/\n/g, '⏎').replace(/^ +$/, '␣')
const indexOf = node => node.jsNodeId?.match(/^\d+_(\d+)/)?.[1] ?? ''
/** What a node is called: the name it was given here, its label, or its place. */
function nameOf (node) {
  const given = view.names.get(node.node_id)
  if (given) return given
  if (node.kind === 'token') return `“${seen(tokenOf(node))}”`
  if (node.kind === 'error') return `unexplained by layer ${node.layer}`
  return node.label ?? (node.clerp || `#${indexOf(node)} of layer ${node.layer}`)
}
const placeOf = node => `${node.layer === 'E' ? 'token' : node.kind === 'target' ? 'output' : `layer ${node.layer}`} · at ${node.ctx_idx} “${seen(tokenOf(node))}”`

const isShown = node => node.kind === 'token' || node.kind === 'target' || view.pinned.has(node.node_id) || node.node_id === view.clicked ||
  ((node.influence ?? 0) <= view.pruning && (node.density ?? 0) <= view.density)

/** Places of all nodes that are shown: a column for each position, as wide as its fullest layer needs. */
function arrange (width) {
  const shown = graph.nodes.filter(isShown)
  const cells = new Map()
  for (const node of shown) {
    const key = `${node.ctx_idx},${node.row}`
    if (!cells.has(key)) cells.set(key, [])
    cells.get(key).push(node)
  }
  const fullest = new Map()
  for (const cell of cells.values()) fullest.set(cell[0].ctx_idx, Math.max(fullest.get(cell[0].ctx_idx) ?? 0, cell.length))
  const columns = [...fullest].sort(([a], [b]) => a - b)
  const left = 44
  const total = columns.reduce((sum, [, most]) => sum + most + 1, 0)
  // Closer together they could not be told apart; the box scrolls.
  const step = Math.max((width - left) / total, 7)
  const starts = new Map()
  let x = left
  for (const [position, most] of columns) { starts.set(position, [x, (most + 1) * step]); x += (most + 1) * step }
  const rows = [...new Set(shown.map(one => one.row))].sort((a, b) => a - b)
  const height = Math.max(26 * rows.length, 220)
  const up = new Map(rows.map((row, i) => [row, height - (i + 0.5) * height / rows.length]))
  for (const cell of cells.values()) {
    cell.sort((a, b) => (a.influence ?? 0) - (b.influence ?? 0))
    const [start, room] = starts.get(cell[0].ctx_idx)
    cell.forEach((node, i) => { node.x = start + (i + 1) * room / (cell.length + 1); node.y = up.get(node.row) })
  }
  order = shown.sort((a, b) => b.row - a.row || a.x - b.x)
  return { width: Math.max(x, width), height, columns: starts, rows: up }
}

let placed
function draw () {
  placed = arrange(at('drawing').clientWidth)
  const svg = at('nodes')
  svg.replaceChildren()
  svg.setAttribute('width', placed.width)
  svg.setAttribute('height', placed.height + 34)
  for (const [row, y] of placed.rows) {
    svg.append(shape('line', { x1: 40, x2: placed.width, y1: y, y2: y, class: 'rule' }))
    const label = shape('text', { x: 0, y: y + 4, class: 'axis' })
    label.textContent = row < 0 ? 'token' : row === graph.last && graph.nodes.some(one => one.kind === 'target' && one.row === row) ? 'next' : `L${row}`
    svg.append(label)
  }
  for (const [position, [start, room]] of placed.columns) {
    const label = shape('text', { x: start + room / 2, y: placed.height + 18, class: 'axis word', 'text-anchor': 'middle' })
    const text = seen(graph.file.metadata.prompt_tokens[position] ?? '')
    const fits = Math.max(2, Math.floor(room / 7))
    label.textContent = text.length > fits ? text.slice(0, fits - 1) + '…' : text
    const title = shape('title', {})
    title.textContent = `${position}: ${text}`
    label.append(title)
    svg.append(label)
  }
  for (const node of order) {
    const mark = shape('path', { d: SHAPES[node.kind], transform: `translate(${node.x} ${node.y})`, class: `node ${node.kind}`, 'data-id': node.node_id, tabindex: -1, role: 'button', 'aria-label': `${nameOf(node)}, ${placeOf(node)}` })
    node.mark = mark
    svg.append(mark)
  }
  paint()
}

/** Marks what is chosen, and draws the edges: all pale, those of the node that is pointed at or chosen strong. */
function paint () {
  const about = hovered ?? graph.byId.get(view.clicked)
  const near = new Map()
  for (const link of about?.inputs ?? []) near.set(link.source, link)
  for (const link of about?.outputs ?? []) near.set(link.target, link)
  const words = view.sought.toLowerCase().split(/\s+/).filter(Boolean)
  let found = 0
  for (const node of order) {
    const hit = words.length > 0 && words.every(word => `${nameOf(node)} ${indexOf(node)} ${tokenOf(node)}`.toLowerCase().includes(word))
    if (hit) found++
    node.mark.setAttribute('class', ['node', node.kind, view.pinned.has(node.node_id) && 'pinned', node.node_id === view.clicked && 'clicked', about && node !== about && !near.has(node) && 'far', hit && 'hit'].filter(Boolean).join(' '))
  }
  at('sought').textContent = words.length ? `${found} found` : ''
  const canvas = at('edges')
  const scale = devicePixelRatio || 1
  canvas.width = placed.width * scale
  canvas.height = placed.height * scale
  canvas.style.width = `${placed.width}px`
  canvas.style.height = `${placed.height}px`
  const pen = canvas.getContext('2d')
  pen.scale(scale, scale)
  const style = getComputedStyle(root)
  const [positive, negative] = [style.getPropertyValue('--one'), style.getPropertyValue('--two')]
  const stroke = (link, strength) => {
    const { source, target, weight } = link
    if (!isShown(source) || !isShown(target)) return
    pen.strokeStyle = weight > 0 ? positive : negative
    pen.globalAlpha = strength
    pen.lineWidth = 0.3 + 3.5 * Math.abs(weight) / (strength > 0.5 ? largest(about) : graph.heaviest)
    pen.beginPath()
    pen.moveTo(source.x, source.y)
    pen.lineTo(target.x, target.y)
    pen.stroke()
  }
  for (const link of graph.links.slice(0, MOST_EDGES)) stroke(link, about ? 0.04 : 0.16)
  for (const link of [...about?.inputs ?? [], ...about?.outputs ?? []]) stroke(link, 0.85)
}
const largest = node => Math.max(...[node.inputs[0], node.outputs[0]].map(link => Math.abs(link?.weight ?? 0))) || 1

/** The node that is chosen, with what comes in and what goes out. */
async function describe () {
  const panel = at('about')
  const node = graph.byId.get(view.clicked)
  if (!node) {
    panel.replaceChildren(element('p', { class: 'note' }, 'Click a node for what comes in and goes out; double-click it, or press p, to pin it. Point at one to see its neighbours. Diamonds are what the dictionaries could not explain.'))
    return
  }
  const pinned = view.pinned.has(node.node_id)
  const head = element('div', { class: 'headed' }, element('h2', {}, nameOf(node)), element('button', { type: 'button', class: 'quiet', onclick: () => pin(node), 'aria-pressed': `${pinned}` }, pinned ? 'unpin' : 'pin'))
  const figures = [placeOf(node)]
  if (node.activation != null) figures.push(`activation ${digits(node.activation)}`)
  if (node.kind === 'target' && node.token_prob) figures.push(`probability ${digits(100 * node.token_prob, 2)} %`)
  if (node.influence != null) figures.push(`within the first ${digits(100 * node.influence, 2)} % of influence`)
  const card = element('div')
  panel.replaceChildren(head, element('p', { class: 'note' }, figures.join(' · ')),
    element('div', { class: 'columns' }, flow('in from', node.inputs, link => link.source, node.into), flow('out to', node.outputs, link => link.target)), card)
  if (node.card) {
    const answer = await fetch(node.card).catch(() => null)
    if (answer?.ok && view.clicked === node.node_id) card.innerHTML = await answer.text()
  }
}
function flow (title, links, end, total) {
  const most = Math.abs(links[0]?.weight ?? 1)
  const rows = links.slice(0, LISTED).map(link => {
    const node = end(link)
    const bar = shape('svg', { class: `share ${link.weight > 0 ? '' : 'less'}`, viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' })
    bar.append(shape('rect', { width: 100 * Math.abs(link.weight) / most, height: 10 }))
    return element('tr', {}, element('td', { class: 'wide' }, element('button', { type: 'button', class: 'quiet', 'data-go': node.node_id, title: placeOf(node) }, nameOf(node)), ' ', element('small', {}, `${node.layer === 'E' ? '' : `L${node.layer} `}“${seen(tokenOf(node))}”`)),
      element('td', { class: 'n' }, total ? `${digits(100 * link.weight / total, 2)} %` : digits(link.weight, 2)), element('td', {}, bar))
  })
  return element('table', { class: 'flow' }, element('caption', {}, `${title}${links.length > LISTED ? `: ${LISTED} of ${links.length}` : ''}`), ...rows)
}

function choose (node) {
  view.clicked = view.clicked === node?.node_id ? '' : node?.node_id ?? ''
  remember(); paint(); describe()
}
function pin (node) {
  if (!view.pinned.delete(node.node_id)) view.pinned.add(node.node_id)
  remember(); draw(); describe(); picture()
}

// The pinned nodes as a picture of their own: boxes with names, groups of them as one.

const groupOf = id => view.supernodes.find(one => one.slice(1).includes(id))
function boxes () {
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
function picture () {
  const svg = at('picture')
  const all = boxes()
  at('pinned').hidden = all.length === 0
  svg.replaceChildren()
  if (all.length === 0) return
  const width = Math.max(at('pinned').clientWidth - 8, 300)
  const rows = [...new Set(all.map(one => Math.round(one.row)))].sort((a, b) => b - a)
  const [boxWidth, boxHeight, gap] = [Math.min(170, width / 2 - 16), 40, 34]
  svg.setAttribute('height', rows.length * (boxHeight + gap) + 10)
  svg.setAttribute('width', width)
  for (const [i, row] of rows.entries()) {
    const line = all.filter(one => Math.round(one.row) === row).sort((a, b) => a.column - b.column)
    line.forEach((box, j) => {
      const own = view.places[box.key]
      box.x = own ? own[0] * width : (j + 0.5) * width / line.length
      box.y = own ? own[1] : i * (boxHeight + gap) + boxHeight / 2 + 5
    })
  }
  const holder = new Map(all.flatMap(box => box.nodes.map(node => [node, box])))
  const between = new Map()
  for (const { source, target, weight } of graph.links) {
    const [from, to] = [holder.get(source), holder.get(target)]
    if (!from || !to || from === to) continue
    const key = `${from.key}>${to.key}`
    between.set(key, { from, to, weight: (between.get(key)?.weight ?? 0) + weight })
  }
  const most = Math.max(...[...between.values()].map(one => Math.abs(one.weight)), 1e-9)
  for (const { from, to, weight } of between.values()) {
    const line = shape('path', { d: `M${from.x} ${from.y - boxHeight / 2}C${from.x} ${from.y - boxHeight / 2 - 24} ${to.x} ${to.y + boxHeight / 2 + 24} ${to.x} ${to.y + boxHeight / 2}`, class: weight > 0 ? 'edge' : 'edge less', 'stroke-width': 0.6 + 5 * Math.abs(weight) / most })
    const title = shape('title', {})
    title.textContent = `${from.name} → ${to.name}: ${digits(weight)}`
    line.append(title)
    svg.append(line)
  }
  for (const box of all) {
    const mark = shape('g', { class: `box ${box.nodes[0].kind}${box.group ? ' group' : ''}${box.nodes.some(one => one.node_id === view.clicked) ? ' clicked' : ''}`, transform: `translate(${box.x - boxWidth / 2} ${box.y - boxHeight / 2})`, tabindex: 0, role: 'button', 'data-box': box.key, 'aria-label': box.name })
    mark.append(shape('rect', { width: boxWidth, height: boxHeight, rx: 8 }))
    const letters = Math.floor(boxWidth / 7.2)
    const text = shape('text', { x: boxWidth / 2, y: 17, 'text-anchor': 'middle' })
    text.textContent = box.name.length > letters ? box.name.slice(0, letters - 1) + '…' : box.name
    const where = shape('text', { x: boxWidth / 2, y: 32, 'text-anchor': 'middle', class: 'axis' })
    where.textContent = box.nodes.length > 1 ? `${box.nodes.length} nodes` : placeOf(box.nodes[0]).slice(0, letters + 4)
    const title = shape('title', {})
    title.textContent = box.name
    mark.append(text, where, title)
    svg.append(mark)
  }
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
  if (!moved) { choose(box.nodes[0]); picture(); return }
  mark.style.pointerEvents = 'none'
  const under = document.elementsFromPoint(event.clientX, event.clientY).map(boxOf).find(other => other && other.key !== box.key)
  const inside = at('picture').getBoundingClientRect()
  if (under) join(box, under)
  else view.places[box.key] = [+((event.clientX - inside.left) / inside.width).toFixed(3), Math.round(Math.max(20, event.clientY - inside.top))]
  remember(); picture()
})
function join (one, other) {
  const ids = [...other.nodes, ...one.nodes].map(node => node.node_id)
  const name = other.group?.[0] ?? one.group?.[0] ?? other.name
  view.supernodes = [...view.supernodes.filter(group => group !== one.group && group !== other.group), [name, ...ids]]
  view.places = {}
}
at('picture').addEventListener('dblclick', event => {
  const box = boxOf(event.target)
  if (!box) return
  const name = prompt('Name', box.name)
  if (name === null) return
  if (box.group) box.group[0] = name || box.group[0]
  else if (name) view.names.set(box.nodes[0].node_id, name)
  else view.names.delete(box.nodes[0].node_id)
  remember(); draw(); describe(); picture()
})
at('picture').addEventListener('keydown', event => {
  const box = boxOf(event.target)
  if (!box) return
  if (event.key === 'Enter') { choose(box.nodes[0]); picture() } else if (event.key === 'Delete') { for (const node of box.nodes) view.pinned.delete(node.node_id); remember(); draw(); describe(); picture() } else if (event.key === 'u' && box.group) { view.supernodes = view.supernodes.filter(one => one !== box.group); view.places = {}; remember(); picture() }
})
at('ungroup').addEventListener('click', () => { view.supernodes = []; view.places = {}; remember(); picture() })
at('unpin').addEventListener('click', () => { view.pinned.clear(); view.supernodes = []; view.places = {}; remember(); draw(); describe(); picture() })

// What a person does with the graph.

const nodeAt = target => graph?.byId.get(target.dataset?.id)
at('nodes').addEventListener('pointerover', ({ target }) => { hovered = nodeAt(target); tell(); paint() })
at('nodes').addEventListener('pointerout', () => { hovered = undefined; tell(); paint() })
at('nodes').addEventListener('focusin', ({ target }) => { hovered = nodeAt(target); tell(); paint() })
at('nodes').addEventListener('focusout', () => { hovered = undefined; tell(); paint() })
at('nodes').addEventListener('click', event => {
  const node = nodeAt(event.target)
  if (!node) return
  if (event.ctrlKey || event.metaKey || event.shiftKey) pin(node); else choose(node)
})
at('nodes').addEventListener('dblclick', ({ target }) => { const node = nodeAt(target); if (node) { view.clicked = node.node_id; pin(node) } })
const tell = () => { at('pointed').textContent = hovered ? `${nameOf(hovered)} — ${placeOf(hovered)}` : '' }
at('graph').addEventListener('keydown', event => {
  const node = nodeAt(event.target) ?? graph.byId.get(view.clicked) ?? order[0]
  if (!node) return
  const rows = [...placed.rows.keys()]
  const near = (row, x) => order.filter(one => one.row === row).reduce((best, one) => !best || Math.abs(one.x - x) < Math.abs(best.x - x) ? one : best, null)
  const aside = by => { const line = order.filter(one => one.row === node.row); return line[line.indexOf(node) + by] }
  const next = { ArrowLeft: () => aside(-1), ArrowRight: () => aside(1), ArrowUp: () => near(rows[rows.indexOf(node.row) + 1], node.x), ArrowDown: () => near(rows[rows.indexOf(node.row) - 1], node.x) }[event.key]
  if (next) { event.preventDefault(); event.stopPropagation(); (next() ?? node).mark.focus() } else if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(node) } else if (event.key === 'p') pin(node)
})
at('about').addEventListener('click', ({ target }) => { const id = target.dataset?.go; if (id) { choose(graph.byId.get(id)); draw() } })
at('pruning').addEventListener('input', ({ target }) => { view.pruning = +target.value; show(); remember(); draw() })
at('seek').addEventListener('input', ({ target }) => { view.sought = target.value; paint() })
at('seek').addEventListener('keydown', event => { if (event.key === 'Enter') { event.preventDefault(); const hit = order.find(one => one.mark.classList.contains('hit')); if (hit) { choose(hit); hit.mark.focus() } } })
const show = () => { at('pruned').textContent = view.pruning < 1 ? `first ${Math.round(100 * view.pruning)} % of influence` : 'all nodes of the file' }
addEventListener('resize', () => { if (graph) { draw(); picture() } })

/** Saves a text as a file. */
function save (name, type, text) {
  const link = element('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
at('save-json').addEventListener('click', () => {
  const { file } = graph
  const nodes = file.nodes.map(({ card, label, density, ...node }) => view.names.has(node.node_id) ? { ...node, clerp: view.names.get(node.node_id) } : node)
  const qParams = { ...file.qParams, pinnedIds: [...view.pinned], supernodes: view.supernodes, clickedId: view.clicked }
  save(`${file.metadata.slug}.json`, 'application/json', JSON.stringify({ ...file, nodes, qParams }))
})
/** A picture without its page: the rules of the style sheet that draw it go along. */
function standalone (svg) {
  const copy = svg.cloneNode(true)
  copy.setAttribute('xmlns', SVG)
  const from = [svg, ...svg.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((one, i) => {
    const style = getComputedStyle(one)
    for (const rule of ['fill', 'stroke', 'stroke-width', 'opacity', 'font', 'stroke-dasharray']) to[i].style.setProperty(rule, style.getPropertyValue(rule))
  })
  copy.style.background = getComputedStyle(document.body).backgroundColor
  return new XMLSerializer().serializeToString(copy)
}
at('save-svg').addEventListener('click', () => save(`${graph.file.metadata.slug}.svg`, 'image/svg+xml', standalone(at('picture'))))
at('save-png').addEventListener('click', async () => {
  const image = new Image()
  image.src = `data:image/svg+xml,${encodeURIComponent(standalone(at('picture')))}`
  await image.decode()
  const canvas = element('canvas')
  canvas.width = 2 * image.width
  canvas.height = 2 * image.height
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height)
  canvas.toBlob(blob => { const link = element('a', { href: URL.createObjectURL(blob), download: `${graph.file.metadata.slug}.png` }); link.click() })
})

/** Shows a graph. */
function open (file) {
  for (const part of ['metadata', 'nodes', 'links']) if (!file?.[part]) throw new Error(`this is no attribution graph: it has no ${part}`)
  graph = read(file)
  view = viewOf(location.search, file)
  at('pruning').value = view.pruning
  root.hidden = false
  show(); draw(); describe(); picture()
}
function fail (problem) {
  at('circuit-problem').textContent = problem.message
  at('circuit-problem').hidden = false
}
if (root.dataset.graph) {
  fetch(root.dataset.graph).then(async answer => { if (!answer.ok) throw new Error((await answer.json()).detail); open(await answer.json()) }).catch(fail)
}
// A graph on the user's own machine is read by the browser and sent nowhere.
document.getElementById('open-graph')?.addEventListener('change', async ({ target }) => {
  const [file] = target.files
  if (!file) return
  at('circuit-problem').hidden = true
  try {
    const stream = file.name.endsWith('.gz') ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream()
    open(JSON.parse(await new Response(stream).text()))
  } catch (problem) {
    fail(problem instanceof SyntaxError ? new Error(`${file.name} is no JSON, or was cut short: ${problem.message}`) : problem)
  }
})

// A prompt is traced while the page shows how far it is; whoever stops or leaves ends it.
let tracing
document.getElementById('trace')?.addEventListener('submit', async event => {
  event.preventDefault()
  const form = event.target
  const [stage, bar, stop, send] = [at('trace-stage'), at('trace-progress'), at('trace-stop'), form.querySelector('button')]
  tracing = new AbortController()
  at('circuit-problem').hidden = true
  stage.textContent = 'waiting for the model'
  bar.removeAttribute('value')
  bar.hidden = stop.hidden = false
  send.disabled = true
  try {
    const answer = await fetch(form.dataset.trace, { method: 'POST', body: new URLSearchParams(new FormData(form)), signal: tracing.signal })
    for await (const report of jsonLines(answer)) {
      if (report.page) { location.href = report.page; return }
      if (report.stage) stage.textContent = report.total ? `${report.stage}: ${report.done} of ${report.total} rows` : report.stage
      if (report.total) { bar.max = report.total; bar.value = report.done }
    }
    throw new Error('The answer broke off. Trace once more.')
  } catch (problem) {
    stage.textContent = tracing.signal.aborted ? 'stopped' : ''
    if (!tracing.signal.aborted) fail(problem)
  } finally {
    bar.hidden = stop.hidden = true
    send.disabled = false
  }
})
document.getElementById('trace-stop')?.addEventListener('click', () => tracing?.abort())
