// A graph and the picture of its pinned nodes as files.

import { at, element, save } from './circuit-dom.js'
import { state } from './circuit-state.js'

at('save-json').addEventListener('click', () => {
  const { graph: { file }, view } = state
  const nodes = file.nodes.map(({ card, label, density, ...node }) => view.names.has(node.node_id) ? { ...node, clerp: view.names.get(node.node_id) } : node)
  const qParams = { ...file.qParams, pinnedIds: [...view.pinned], supernodes: view.supernodes, clickedId: view.clicked }
  save(`${file.metadata.slug}.json`, JSON.stringify({ ...file, nodes, qParams }), 'application/json')
})

/** A picture without its page: the rules of the style sheet that draw it go along. */
function standalone (svg) {
  const copy = svg.cloneNode(true)
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  const from = [svg, ...svg.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((one, i) => {
    const style = getComputedStyle(one)
    for (const rule of ['fill', 'stroke', 'stroke-width', 'opacity', 'font', 'stroke-dasharray']) to[i].style.setProperty(rule, style.getPropertyValue(rule))
  })
  copy.style.background = getComputedStyle(document.body).backgroundColor
  return new XMLSerializer().serializeToString(copy)
}
const slug = () => state.graph.file.metadata.slug
at('save-svg').addEventListener('click', () => save(`${slug()}.svg`, standalone(at('picture')), 'image/svg+xml'))
at('save-png').addEventListener('click', async () => {
  const image = new Image()
  image.src = `data:image/svg+xml,${encodeURIComponent(standalone(at('picture')))}`
  await image.decode()
  const canvas = element('canvas', { width: 2 * image.width, height: 2 * image.height })
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height)
  canvas.toBlob(blob => save(`${slug()}.png`, blob))
})
