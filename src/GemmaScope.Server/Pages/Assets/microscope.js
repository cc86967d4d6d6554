// What the pages do beyond being read: keys, and views that change without loading the whole page. All of it works by links alone as well.

const main = () => document.getElementById('main')

/** Shows an address in place: its main part takes the place of this one's, so that focus and scrolling stay. */
let latest = 0
async function show (address, { remember = true } = {}) {
  const mine = ++latest
  document.dispatchEvent(new Event('leaving'))
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
  const next = page.getElementById('main')
  if (!next) { location.href = address; return }
  const focused = document.activeElement?.id
  main().replaceWith(document.adoptNode(next))
  showStops()
  document.title = page.title
  if (remember) history.pushState(null, '', address)
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
    token.className = on ? own.get(token).replace(/^s\d+( hue\d)?/, `s${shades[i]}`) : own.get(token)
  })
}
for (const [event, on] of [['mouseover', true], ['focusin', true], ['mouseout', false], ['focusout', false]]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest?.('a[data-shades]')
    if (link) preview(link, on)
  })
}

// The test answers as one types: the part of the page that shows it takes the place of this one's.
let typing
document.addEventListener('input', ({ target }) => {
  if (target.id !== 'test') return
  clearTimeout(typing)
  typing = setTimeout(async () => {
    const text = target.value
    const answer = await fetch(`${target.form.getAttribute('action')}?${new URLSearchParams(new FormData(target.form))}`)
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (text !== target.value) return
    for (const id of ['tested', 'tested-max']) document.getElementById(id)?.replaceWith(document.adoptNode(page.getElementById(id)))
  }, 250)
})

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

// Steering shows both texts as they are written.
let writing
async function steer (form) {
  writing?.abort()
  const mine = writing = new AbortController()
  const [normal, steered, problem, stop] = ['normal', 'steered', 'steer-problem', 'stop'].map(id => document.getElementById(id))
  normal.textContent = steered.textContent = problem.textContent = ''
  problem.hidden = true
  stop.hidden = false
  const button = form.querySelector('button:not([type=button])')
  button.disabled = true
  try {
    const answer = await fetch(form.dataset.steer, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(steeringOf(form)),
      signal: mine.signal
    })
    for await (const piece of jsonLines(answer)) (piece.kind === 'normal' ? normal : steered).append(visible(piece.text))
  } catch (error) {
    if (mine.signal.aborted) return
    problem.textContent = error.message
    problem.hidden = false
  } finally {
    if (mine === writing) {
      button.disabled = false
      stop.hidden = true
    }
  }
}

/** A text whose hidden characters are shown, as the pages show them. */
function visible (text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\uddef]/g,
    hidden => `‹U+${hidden.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}›`)
}

/** The form as the request that it stands for. */
function steeringOf (form) {
  const { dictionary, feature } = form.dataset
  const of = name => form.elements[name]
  const strength = of('strength').disabled ? undefined : Number(of('strength').value)
  const others = of('with').value.split(',').filter(text => text.trim()).map(text => {
    const [index, own] = text.split(':').map(Number)
    return { feature: index, strength: own }
  })
  return {
    dictionary, text: of('steer').value, mode: of('mode').value, positions: of('positions').value, strength, features: [{ feature: Number(feature) }, ...others],
    seed: Number(of('seed').value), temperature: Number(of('temperature').value), frequency_penalty: Number(of('frequency_penalty').value), max_tokens: Number(of('max_tokens').value)
  }
}

document.addEventListener('submit', event => {
  if (event.target.id !== 'steering') return
  event.preventDefault()
  steer(event.target)
})
document.addEventListener('click', ({ target }) => {
  if (target.id === 'stop') writing?.abort()
  else if (target.dataset?.strength) setStrength(target.dataset.strength)
})
document.addEventListener('input', ({ target }) => {
  if (target.id === 'strength') setStrength(target.value, target)
  else if (target.matches('.slider')) setStrength(Math.round(target.value * 100) / 100, target)
  else if (target.id === 'mode') showScale(true)
})

/** Field and sliders show the same strength; whoever changed it keeps what was typed. */
function setStrength (value, by) {
  for (const one of document.querySelectorAll('#strength, .slider')) if (one !== by) one.value = value
}

/** A mode has its own scale of strengths, or none. */
function showScale (changed) {
  const mode = document.getElementById('mode')
  if (!mode) return
  const field = document.getElementById('strength')
  const { strengthKind } = mode.selectedOptions[0].dataset
  for (const scale of document.querySelectorAll('[data-scale]')) {
    scale.hidden = scale.dataset.scale !== strengthKind
    if (changed && !scale.hidden && mode.dataset.kind !== strengthKind) setStrength(scale.dataset.start)
  }
  field.disabled = strengthKind === 'none'
  if (!field.disabled) mode.dataset.kind = strengthKind
  for (const formula of document.querySelectorAll('.note [data-mode]')) formula.hidden = formula.dataset.mode !== mode.value
  setStrength(field.value, field)
}
const showStops = () => showScale(false)
showStops()

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
