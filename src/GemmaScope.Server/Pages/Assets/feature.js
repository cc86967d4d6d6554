// What the page of a feature does beyond being read: it tries texts while one types, and writes steered ones as they come. Both work as forms alone as well.
/* global jsonLines */

import { visible } from './visible.js'

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

// Steering shows both texts as they are written.
let writing
async function steer (form) {
  writing?.abort()
  const mine = writing = new AbortController()
  const places = ['normal', 'steered', 'normal-next', 'steered-next', 'steer-problem', 'effect'].map(id => document.getElementById(id))
  for (const place of places) place.textContent = ''
  const [normal, steered, , , problem, effect] = places
  const stop = document.getElementById('stop')
  const found = {}
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
    for await (const piece of jsonLines(answer)) {
      const text = piece.kind === 'normal' ? normal : steered
      text.append(visible(piece.text))
      text.scrollTop = text.scrollHeight
      if (piece.next) document.getElementById(`${piece.kind}-next`).replaceChildren(...piece.next.map(likely))
      found[piece.kind] = { ...found[piece.kind], ...piece }
    }
    effect.textContent = effectOf(found)
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

/** A token that may come next, as the server writes it. */
function likely ({ piece, probability }) {
  const row = document.createElement('tr')
  const [word, share, bar] = ['w', 'n', 'b'].map(name => Object.assign(row.insertCell(), { className: name }))
  word.append(Object.assign(document.createElement('code'), { className: 'word', textContent: visible(piece.replaceAll('▁', ' ')).replaceAll('\n', '⏎') }))
  share.textContent = percent(probability)
  bar.innerHTML = `<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${100 * Number(probability)}" height="10"/></svg>`
  return row
}

/** A share with two significant digits, three near the whole, as the server writes them. */
function percent (share) {
  const whole = 100 * share
  const written = Number(whole.toPrecision(whole >= 99 && whole < 100 ? 3 : 2))
  return `${written === 100 && whole < 100 ? 99.9 : written} %`
}

/** What steering did by numbers, in the sentence of the server. */
function effectOf ({ normal, steered }) {
  if (!normal?.effect || !steered?.effect) return ''
  const nats = value => value === null ? '–' : value.toFixed(2)
  const share = value => `${Math.round(100 * value)} %`
  const { kl, surprise, repetition } = steered.effect
  return `KL ${kl.toFixed(3)} nats a token from normal to steered (next token ${steered.next_kl.toFixed(3)}) · surprise ${nats(surprise)}, normal ${nats(normal.effect.surprise)} · repeated ${share(repetition)}, normal ${share(normal.effect.repetition)}`
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
  for (const formula of document.querySelectorAll('[data-mode]')) formula.hidden = formula.dataset.mode !== mode.value
  setStrength(field.value, field)
}
showScale(false)
document.addEventListener('shown', () => showScale(false))
