// What the pages do beyond being read: keys, and views that change without loading the whole page. All of it works by links alone as well.

const main = () => document.getElementById('main')

/** Shows an address in place: its main part takes the place of this one's, so that focus and scrolling stay. Of a page that differs in one part, only
 * that part is exchanged, so that what was typed and tried in the others stays. */
let latest = 0
async function show (address, { remember = true, part = 'main' } = {}) {
  const mine = ++latest
  if (part === 'main') document.dispatchEvent(new Event('leaving'))
  main().setAttribute('aria-busy', 'true')
  let text
  try {
    const answer = await fetch(atOnce(address), { headers: { accept: 'text/html' } })
    text = await answer.text()
    const shown = new URL(answer.url)
    shown.searchParams.delete('wait')
    address = shown.href + new URL(address, location.href).hash
  } catch {
    location.href = address
    return
  }
  if (mine !== latest) return
  const page = new DOMParser().parseFromString(text, 'text/html')
  const next = page.getElementById(part)
  if (!next) { location.href = address; return }
  const focused = document.activeElement?.id
  document.getElementById(part).replaceWith(document.adoptNode(next))
  main().removeAttribute('aria-busy')
  document.title = page.title
  if (remember) history.pushState({ part }, '', address)
  shownPart = part
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
  document.dispatchEvent(new Event('shown'))
}

/** The microscope answers at once with what it knows, and streams the rest. */
function atOnce (address) {
  const asked = new URL(address, location.href)
  if (asked.pathname === (document.querySelector('header a.name')?.pathname ?? '/')) asked.searchParams.set('wait', 'false')
  return asked
}

document.addEventListener('click', event => {
  const link = event.target.closest?.('a[data-in-place]')
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  show(link.href, { part: link.dataset.inPlace || 'main' })
})

document.addEventListener('submit', event => {
  const form = event.target.closest?.('form[data-in-place]')
  if (!form) return
  event.preventDefault()
  show(`${form.getAttribute('action')}?${new URLSearchParams(new FormData(form, event.submitter))}`, { part: form.dataset.inPlace || 'main' })
})

// Back from a part that was exchanged, or forward to it, that part alone is exchanged again.
let shownPart = 'main'
window.addEventListener('popstate', ({ state }) => {
  const part = shownPart === 'main' ? state?.part ?? 'main' : shownPart
  show(location.href, { remember: false, part: document.getElementById(part) ? part : 'main' }).then(() => { shownPart = state?.part ?? 'main' })
})

/** Pointing at a feature shades the text by it: the link holds a shade for each token. */
const own = new WeakMap()
function preview (link, on) {
  const shades = link.dataset.shades.split(',')
  document.querySelectorAll('.reading > a').forEach((token, i) => {
    if (!own.has(token)) own.set(token, token.className)
    token.className = on ? own.get(token).replace(/^s\d+( hue\d)?/, `s${shades[i]}`) : own.get(token)
  })
}
for (const [event, on] of [['mouseover', true], ['focusin', true], ['mouseout', false], ['focusout', false]]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest?.('a[data-shades]')
    if (link) preview(link, on)
  })
}

/** The values of an answer in JSON lines, each as soon as it has come; throws what an answer that is none says. The scripts of single pages call it too. */
globalThis.jsonLines = async function * (answer) {
  if (!answer.ok) throw new Error((await answer.json()).detail)
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const lines = (rest + value).split('\n')
    rest = lines.pop()
    for (const line of lines) yield JSON.parse(line)
  }
}

// A field into which a text is typed sends it with Ctrl-Enter.
document.addEventListener('keydown', event => {
  const { target, key } = event
  if (key === 'Enter' && (event.ctrlKey || event.metaKey) && target.form) { target.form.requestSubmit(); return }
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return
  if (step(target, key)) { event.preventDefault(); return }
  const go = { ArrowLeft: 'a[rel=prev]', ArrowRight: 'a[rel=next]', r: '#random' }[key]
  const field = { '/': '.search input', t: '#text, #test', s: '#steer' }[key]
  if (go) document.querySelector(go)?.click()
  else if (field) { event.preventDefault(); document.querySelector(field)?.focus() }
  else if (key === '?') document.getElementById('help')?.togglePopover?.()
})

/** The arrows walk along the tokens of a text or an example, once one of them or the example has the focus. */
function step (from, key) {
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return false
  const line = from.closest?.('.bubble, .reading')
  if (!line) return false
  const tokens = [...line.querySelectorAll('[data-tip]')]
  const at = tokens.indexOf(from)
  const next = tokens[at < 0 ? (key === 'ArrowRight' ? 0 : tokens.length - 1) : at + (key === 'ArrowRight' ? 1 : -1)]
  if (next?.tagName === 'SPAN') next.tabIndex = -1
  next?.focus()
  return true
}
