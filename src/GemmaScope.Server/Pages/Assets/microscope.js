// What the pages do beyond being read: keys, and views that change without loading the whole page. All of it works by links alone as well.

const main = () => document.getElementById('main')

/** Shows an address in place: its main part takes the place of this one's, so that focus and scrolling stay. */
let latest = 0
async function show (address, { remember = true } = {}) {
  const mine = ++latest
  main().setAttribute('aria-busy', 'true')
  let text
  try {
    const answer = await fetch(address, { headers: { accept: 'text/html' } })
    text = await answer.text()
  } catch {
    location.href = address
    return
  }
  if (mine !== latest) return
  const page = new DOMParser().parseFromString(text, 'text/html')
  const next = page.getElementById('main')
  if (!next) { location.href = address; return }
  const focused = document.activeElement?.id
  main().replaceWith(document.adoptNode(next))
  document.title = page.title
  if (remember) history.pushState(null, '', address)
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

document.addEventListener('click', event => {
  const link = event.target.closest?.('a[data-in-place]')
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  show(link.href)
})

document.addEventListener('submit', event => {
  const form = event.target.closest?.('form[data-in-place]')
  if (!form) return
  event.preventDefault()
  show(`${form.getAttribute('action')}?${new URLSearchParams(new FormData(form))}`)
})

window.addEventListener('popstate', () => show(location.href, { remember: false }))

/** Pointing at a feature shades the text by it: the link holds a shade for each token. */
const own = new WeakMap()
function preview (link, on) {
  const shades = link.dataset.shades.split(',')
  document.querySelectorAll('.reading > a').forEach((token, i) => {
    if (!own.has(token)) own.set(token, token.className)
    token.className = on ? own.get(token).replace(/^s\d+/, `s${shades[i]}`) : own.get(token)
  })
}
for (const [event, on] of [['mouseover', true], ['focusin', true], ['mouseout', false], ['focusout', false]]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest?.('a[data-shades]')
    if (link) preview(link, on)
  })
}

// A field into which a text is typed sends it with Ctrl-Enter.
document.addEventListener('keydown', event => {
  const { target, key } = event
  if (key === 'Enter' && (event.ctrlKey || event.metaKey) && target.form) { target.form.requestSubmit(); return }
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return
  if (step(target, key)) { event.preventDefault(); return }
  const go = { ArrowLeft: 'a[rel=prev]', ArrowRight: 'a[rel=next]', r: '#random' }[key]
  const field = { '/': '.search input', t: '#text, #test' }[key]
  if (go) document.querySelector(go)?.click()
  else if (field) { event.preventDefault(); document.querySelector(field)?.focus() }
  else if (key === '?') document.querySelector('.keys')?.toggleAttribute('open')
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
