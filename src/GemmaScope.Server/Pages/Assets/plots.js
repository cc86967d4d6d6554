// Draws the plots of a page again, with Observable Plot, so that they answer: values where one points, zoom, links. Until then, and where no script runs, the server's drawing stands in the same place.
/* global d3, Plot */

const libraries = document.getElementById('plots').dataset.libraries.split(' ')

/** Fetches D3 and Plot, one after the other, once. */
let loading
const load = () => loading ??= libraries.reduce((before, src) => before.then(() => new Promise((resolve, reject) => {
  document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject }))
})), Promise.resolve())

// A plot that comes into view is drawn when the browser has nothing better to do. One that cannot be drawn stays as it is.
const idle = window.requestIdleCallback ?? setTimeout
const seen = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue
    seen.unobserve(target)
    idle(() => load().then(() => draw(target)).catch(problem => console.warn('this plot stays as the server drew it:', problem)))
  }
}, { rootMargin: '200px' })

const found = new WeakSet()
function find () {
  for (const figure of document.querySelectorAll('figure.plot')) {
    if (found.has(figure)) continue
    found.add(figure)
    seen.observe(figure)
    figure.querySelector('.numbers')?.addEventListener('toggle', ({ target }) => tabulate(target, read(figure)), { once: true })
  }
}
find()
// Views change in place, and bring new plots.
new MutationObserver(find).observe(document.body, { childList: true })

const read = figure => JSON.parse(figure.querySelector('script').textContent)

const draw = figure => ({ bars, points })[read(figure).kind](figure, read(figure))

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 9, useGrouping: 'min2' })
// As the server writes them (PlotAxis): what is tiny or huge has an exponent, so that no tick but zero is a zero.
const plain = { format: value => {
  const rounded = Number(value.toPrecision(6))
  const size = Math.abs(rounded)
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? rounded.toExponential().replace('e+', 'e') : grouped.format(rounded)
} }
const exact = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const whole = new Intl.NumberFormat('en')
const written = {
  Linear: value => plain.format(value + 0),
  Share: value => `${exact.format(100 * 10 ** value)} %`,
  Log: value => plain.format(10 ** value),
  Root: value => plain.format(value * value)
}

/** Round numbers of a part of an axis; of shares, those that begin with 1, 2 or 5, where whole powers of ten are too few. */
function round (scale, [from, to]) {
  if (scale !== 'Share') return d3.ticks(from, to, 5)
  const first = Math.floor(from)
  const all = d3.range(first, to + 1).flatMap(power => [1, 2, 5].map(digit => power + Math.log10(digit))).filter(tick => tick >= from && tick <= to)
  const powers = all.filter(Number.isInteger)
  return powers.length > 2 || all.length > 6 ? powers : all.length > 1 ? all : d3.ticks(from, to, 3)
}

/** A value as a reader is told it, to four digits. */
const digits = (scale, value) => scale === 'Linear' ? exact.format(value) : written[scale](value)

/** A drawing with the measures of the server's. */
function frame ({ title, x, y }, marks, domains = {}) {
  const axis = ({ ticks, scale }, zoomed) => ({ ticks: zoomed ? round(scale, zoomed) : ticks, tickFormat: written[scale], tickSize: 0, fontSize: 11, labelAnchor: 'center', labelArrow: 'none' })
  const svg = Plot.plot({
    className: 'plotted',
    width: 460,
    height: 280,
    marginLeft: 62,
    marginRight: 14,
    marginTop: 30,
    marginBottom: 44,
    ariaLabel: title,
    x: { domain: domains.x ?? x.domain, label: x.label },
    y: { domain: domains.y ?? y.domain, label: y.label },
    marks: [
      Plot.gridY({ ticks: domains.y ? round(y.scale, domains.y) : y.ticks, strokeOpacity: 0.12 }),
      Plot.axisX({ ...axis(x, domains.x), labelOffset: 38 }),
      Plot.axisY({ ...axis(y, domains.y), labelOffset: 54 }),
      Plot.text([title.length > 48 ? title.slice(0, 20) + '…' + title.slice(-27) : title], { frameAnchor: 'top-left', dy: -23, fontSize: 13, fontWeight: 600 }),
      Plot.ruleY([(domains.y ?? y.domain)[0]], { strokeOpacity: 0.6 }),
      ...marks
    ]
  })
  // The policy forbids style that stands in the page; plots.css has these rules.
  svg.querySelector('style')?.remove()
  // One picture with one name: that of each part means nothing to those who do not see it.
  svg.setAttribute('role', 'img')
  const parts = document.createElementNS(svg.namespaceURI, 'g')
  parts.setAttribute('aria-hidden', 'true')
  parts.append(...svg.childNodes)
  svg.append(parts)
  return svg
}

function binsOf ({ x, counts }) {
  const [from, to] = x.domain
  const edge = i => from + (to - from) * i / counts.length
  return counts.map((count, i) => ({ from: edge(i), to: edge(i + 1), middle: (edge(i) + edge(i + 1)) / 2, count }))
}

function bars (figure, numbers) {
  const { x, y, unit } = numbers
  const bins = binsOf(numbers)
  const height = bin => y.scale === 'Root' ? Math.sqrt(bin.count) : bin.count
  const inset = 384 / bins.length > 6 ? 1 : 0.25
  const column = { x1: 'from', x2: 'to', y1: 0, insetLeft: inset, insetRight: inset }
  figure.querySelector('svg').replaceWith(frame(numbers, [
    Plot.rect(bins.filter(bin => bin.count), { ...column, y2: height, fill: 'var(--one)' }),
    // Pointing anywhere above a bin is enough: rare ones are low.
    Plot.rect(bins, Plot.pointerX({ ...column, y2: y.domain[1], fill: 'currentColor', fillOpacity: 0.12 })),
    Plot.tip(bins, Plot.pointerX({ x: 'middle', y: height, lineHeight: 1.35, stroke: 'var(--soft)', title: bin => `${whole.format(bin.count)} ${unit}\n${digits(x.scale, bin.from)} to ${digits(x.scale, bin.to)}` }))
  ]))
}

/** Points: one drags over a part to see it larger, and clicks on one to go to it (a finger taps twice). */
function points (figure, numbers) {
  const { x, y, at, score, steps } = numbers
  const drawn = figure.querySelectorAll('circle')
  const dots = at.map(([left, up], i) => ({ x: left, y: up, score: score[i], name: drawn[i].textContent, address: drawn[i].closest('a').getAttribute('href') }))
  const scored = score.some(one => one !== null)
  const many = dots.length > 200
  const colour = dot => !scored ? 'var(--one)' : dot.score === null ? 'none' : `var(--q${steps.filter(step => dot.score >= step).length})`
  const title = dot => [dot.name.trim(), `fires on ${written.Share(dot.x)}`, `maximum ${exact.format(dot.y)}`, ...(dot.score === null ? [] : [`score ${exact.format(dot.score)}`])].join('\n')
  const back = Object.assign(document.createElement('button'), { type: 'button', className: 'whole', textContent: 'show all', hidden: true, onclick: () => show({}) })
  figure.append(back)

  function show (domains) {
    const inside = ({ x: left, y: up }) => !domains.x || (left >= domains.x[0] && left <= domains.x[1] && up >= domains.y[0] && up <= domains.y[1])
    const shown = dots.filter(inside)
    const svg = frame(numbers, [
      Plot.dot(shown, { x: 'x', y: 'y', r: 2.5, fill: dot => colour(dot), fillOpacity: many ? 0.65 : 1, stroke: dot => colour(dot) === 'none' ? 'var(--soft)' : 'none', strokeWidth: 1, strokeOpacity: 0.6 }),
      Plot.dot(shown, Plot.pointer({ x: 'x', y: 'y', r: 5, stroke: 'currentColor' })),
      Plot.tip(shown, Plot.pointer({ x: 'x', y: 'y', title, lineWidth: 24, lineHeight: 1.35, stroke: 'var(--soft)' }))
    ], domains)
    const scales = { x: svg.scale('x'), y: svg.scale('y') }
    figure.querySelector('svg').replaceWith(svg)
    back.hidden = !domains.x
    answer(svg, scales, show)
  }
  show({})
}

/** Lets a part of the drawing be dragged over, and points be clicked on. */
function answer (svg, scales, show) {
  let chosen, told
  svg.addEventListener('pointerdown', event => {
    chosen = svg.value
    // Plot would hold on to the point that a mouse clicks. A finger, which cannot hover, needs that.
    if (event.pointerType === 'mouse') event.stopPropagation()
  }, true)
  svg.addEventListener('click', event => {
    const finger = event.pointerType === 'touch'
    const [left, top] = d3.pointer(event, svg)
    const near = chosen && Math.hypot(scales.x.apply(chosen.x) - left, scales.y.apply(chosen.y) - top) < (finger ? 20 : 40)
    // A finger's first tap tells what the second opens.
    const open = near && (!finger || chosen === told)
    told = near ? chosen : undefined
    if (!open) return
    if (event.ctrlKey || event.metaKey) window.open(chosen.address, '_blank', 'noreferrer')
    else location.href = chosen.address
  })
  svg.addEventListener('input', () => svg.classList.toggle('reachable', Boolean(svg.value)))
  const brush = d3.brush().extent([[62, 30], [446, 236]]).touchable(false).on('end', ({ selection }) => {
    if (!selection) return
    const [[left, top], [right, bottom]] = selection
    // A hand that shook is no zoom.
    if (right - left < 6 || bottom - top < 6) return d3.select(svg).select('.crossed').call(brush.clear)
    show({ x: [left, right].map(scales.x.invert), y: [bottom, top].map(scales.y.invert) })
  })
  d3.select(svg).append('g').attr('class', 'crossed').call(brush)
}

/** The numbers of bars as a table, made when someone opens it. */
function tabulate (details, numbers) {
  const { x, unit } = numbers
  const table = document.createElement('table')
  const row = (cells, kind) => table.insertRow().append(...cells.map(text => Object.assign(document.createElement(kind), { textContent: text, className: 'n' })))
  row(['from', 'to', unit], 'th')
  for (const bin of binsOf(numbers)) row([digits(x.scale, bin.from), digits(x.scale, bin.to), whole.format(bin.count)], 'td')
  const scroll = Object.assign(document.createElement('div'), { tabIndex: 0 })
  scroll.setAttribute('role', 'group')
  scroll.setAttribute('aria-label', numbers.title)
  scroll.append(table)
  details.append(scroll)
}
