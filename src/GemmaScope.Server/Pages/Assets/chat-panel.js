// What is steered and watched: features that are found and turned up or down, directions, sampling.

import { at, element } from './circuit-dom.js'

const form = at('chat')
const field = name => form.elements[name]

/** The features that are steered, each with its name as the server writes it. */
let steered = []

/** All that decides about a reply, as the request has it. */
export function settings () {
  const directions = [...document.querySelectorAll('[data-direction]')].map(line => ({ name: line.dataset.direction, watched: line.querySelector('[type=checkbox]').checked, strength: Number(line.querySelector('[name^=along]').value), stop: line.querySelector('[name^=stop]').value }))
  return {
    dictionary: field('dictionary')?.value,
    mode: field('mode')?.value,
    features: steered.map(({ dictionary, feature, strength }) => ({ dictionary, feature, strength })),
    directions: directions.filter(one => one.watched || one.strength !== 0 || one.stop).map(({ name, strength, stop }) => ({ name, strength, ...(stop ? { stop_above: Number(stop) } : {}) })),
    seed: Number(field('seed').value),
    temperature: Number(field('temperature').value),
    max_tokens: Number(field('max_tokens').value),
    ...(field('thinking') ? { thinking: field('thinking').checked } : {})
  }
}

/** What is steered, in a few words. */
export function told ({ mode, features = [], directions = [] }) {
  const parts = features.map(one => `#${one.feature} ${hasStrength(mode) ? `${mode === 'add' ? '× ' : mode + ' '}${one.strength}` : mode}`)
  return [...parts, ...directions.filter(one => one.strength !== 0).map(one => `${one.name} × ${one.strength}`)].join(', ')
}

const hasStrength = mode => ![...field('mode')?.options ?? []].some(one => one.value === mode && 'strengthless' in one.dataset)

export const setSeed = seed => { field('seed').value = seed }

/** Shows other settings. What this server does not have is left out, and named. */
export async function restore (wanted) {
  for (const name of ['seed', 'temperature', 'max_tokens']) if (Number.isFinite(wanted[name])) field(name).value = wanted[name]
  const missing = []
  if (field('thinking')) field('thinking').checked = Boolean(wanted.thinking)
  else if (wanted.thinking) missing.push('a thinking channel')
  for (const name of ['mode', 'dictionary']) {
    if (!wanted[name] || !field(name)) continue
    if ([...field(name).options].some(one => one.value === wanted[name])) field(name).value = wanted[name]
    else missing.push(wanted[name])
  }
  for (const line of document.querySelectorAll('[data-direction]')) {
    const one = wanted.directions?.find(one => one.name === line.dataset.direction)
    line.querySelector('[type=checkbox]').checked = Boolean(one)
    line.querySelector('[name^=along]').value = one?.strength ?? 0
    line.querySelector('[name^=stop]').value = one?.stop_above ?? ''
  }
  const here = [...document.querySelectorAll('[data-direction]')].map(line => line.dataset.direction)
  missing.push(...(wanted.directions ?? []).map(one => one.name).filter(name => !here.includes(name)))
  steered = []
  for (const one of wanted.features ?? []) {
    const [known] = await find(`${one.dictionary}/${one.feature}`)
    if (known) steered.push({ ...known, strength: one.strength })
    else missing.push(`${one.dictionary}/${one.feature}`)
  }
  show()
  return missing
}

async function find (words) {
  if (!at('finder')) return []
  const answer = await fetch(`${form.dataset.find}?${new URLSearchParams({ q: words })}`)
  if (!answer.ok) throw new Error((await answer.json()).detail)
  return answer.json()
}

/** A name of the server, in a place of its own: it is HTML. */
function named (html) {
  const place = element('span')
  place.innerHTML = html
  return place
}

function show () {
  if (!at('finder')) return
  const withStrength = hasStrength(field('mode').value)
  at('steered-features').replaceChildren(...steered.map(one => {
    const most = one.max > 0 ? Math.min(300, Math.round(30 * one.max) / 10) : 300
    const what = `strength of #${one.feature}`
    const number = element('input', { type: 'number', step: 'any', min: -300, max: 300, value: one.strength, 'aria-label': what })
    const slider = element('input', { type: 'range', step: 'any', min: -most, max: most, value: one.strength, 'aria-label': `${what}, to three times its maximum` })
    number.addEventListener('input', () => { one.strength = Number(number.value); slider.value = one.strength })
    slider.addEventListener('input', () => { one.strength = Math.round(slider.value * 10) / 10; number.value = one.strength })
    return element('li', {},
      element('div', { class: 'name' }, named(one.html), element('button', { type: 'button', class: 'quiet', 'aria-label': `steer no longer #${one.feature}`, onclick: () => { steered = steered.filter(other => other !== one); show() } }, '✕')),
      withStrength ? element('div', { class: 'amount' }, slider, number) : undefined)
  }))
  at('none-steered').hidden = steered.length > 0
}

/** Steers a feature: as strongly as it fires at its most. */
function add (found) {
  if (steered.some(one => one.dictionary === found.dictionary && one.feature === found.feature)) return
  steered.push({ ...found, strength: found.max > 0 ? Math.min(300, Math.round(10 * found.max) / 10) : 10 })
  show()
}

if (at('finder')) {
  at('finder').hidden = false
  at('typed-features').hidden = true
  let typing, latest = 0
  at('find-feature').addEventListener('input', ({ target }) => {
    clearTimeout(typing)
    typing = setTimeout(async () => {
      const mine = ++latest
      const found = target.value.trim() ? await find(target.value).catch(problem => [{ html: '', problem }]) : []
      if (mine !== latest) return
      at('found-features').replaceChildren(...found.map(one => one.problem
        ? element('li', {}, one.problem.message)
        : element('li', {}, element('button', { type: 'button', class: 'quiet add', 'aria-label': `steer #${one.feature}`, onclick: () => { add(one); at('found-features').replaceChildren(); at('find-feature').value = '' } }, '+'), named(one.html))),
      ...(found.length === 0 && target.value.trim() ? [element('li', { class: 'soft' }, 'Nothing was found.')] : []))
    }, 200)
  })
  // Enter takes the first that was found, and sends nothing.
  at('find-feature').addEventListener('keydown', event => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    at('found-features').querySelector('button')?.click()
  })
  field('mode').addEventListener('change', show)
  document.addEventListener('click', async ({ target }) => {
    if (!target.matches?.('.strongest .add')) return
    const [found] = await find(`${target.dataset.dictionary}/${target.dataset.feature}`)
    if (found) add(found)
  })
}
