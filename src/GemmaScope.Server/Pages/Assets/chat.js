// The chat: both replies are written as they come; the conversation is kept in this page alone, saved and shared from here.

import { at, element, save, shape } from './circuit-dom.js'
import { LONGEST_LINK, opened, packed, saved, unpacked } from './chat-state.js'
import { restore, setSeed, settings, told } from './chat-panel.js'
import { visible } from './visible.js'

const form = at('chat')
const field = at('message')
const REPLIES = ['normal', 'steered']
const thoughts = kind => `${kind}_thinking`
let turns = []
let writing

const place = (line, name, of) => line.querySelector(`[data-${name}=${of}]`)

function fail (problem) {
  at('chat-problem').textContent = problem.message
  at('chat-problem').hidden = false
}

function stage (text) { at('chat-stage').textContent = text }

/** A turn in the page, with what is known of it. */
function shown (turn) {
  const line = at('turn').content.firstElementChild.cloneNode(true)
  turn.line = line
  place(line, 'said', 'user').textContent = visible(turn.user)
  for (const kind of REPLIES) {
    place(line, 'said', kind).textContent = visible(turn[kind] ?? '')
    if (turn[thoughts(kind)]) showThoughts(turn, kind)
  }
  place(line, 'how', 'steered').textContent = told(turn.how ?? {})
  for (const [kind, why] of Object.entries(turn.ended ?? {})) tellEnd(turn, kind, why)
  at('turns').append(line)
}

/** Shows what the model thought before a reply; they stay folded up, or open, as the reader has them. */
function showThoughts (turn, kind) {
  const of = thoughts(kind)
  place(turn.line, 'thoughts', of).hidden = false
  place(turn.line, 'said', of).textContent = visible(turn[of])
  const words = turn[of].split(/\s+/).filter(Boolean).length
  place(turn.line, 'thinking', of).textContent = turn[kind] || !turn.line.hasAttribute('aria-busy') ? `${words} words` : `${words} words …`
}

/** Says why a reply ended, where the model did not end it. */
function tellEnd (turn, kind, why, reason) {
  const isThinking = turn[thoughts(kind)] && !turn[kind]
  const words = { max_tokens: isThinking ? 'cut at the most new tokens while it was thinking: allow more under sampling' : 'cut at the most new tokens', context: 'the model’s context is full', stopped: 'stopped', direction: reason ? `ended: ${reason}` : 'ended by a direction' }[why]
  if (!words || !REPLIES.includes(kind)) return
  turn.ended = { ...turn.ended, [kind]: why }
  place(turn.line, 'ended', kind).textContent = words
}

/** Draws how far a reply goes along the directions while it is written; what is read at the end takes the place of it. */
function follow (turn, kind, along) {
  turn.along ??= {}
  const lines = Object.entries(along).map(([name, values]) => {
    const all = ((turn.along[kind] ??= {})[name] ??= [])
    all.push(...values.map(Number))
    const [low, high] = [Math.min(...all), Math.max(...all)]
    const points = all.map((value, i) => `${240 * i / Math.max(1, all.length - 1)},${26 - 24 * (high > low ? (value - low) / (high - low) : 0.5)}`)
    const svg = shape('svg', { class: 'line', viewBox: '0 0 240 28', preserveAspectRatio: 'none', 'aria-hidden': 'true' })
    svg.append(shape('polyline', { points: points.join(' ') }))
    return element('p', { class: 'live' }, `${name} `, svg, element('span', { class: 'soft' }, all.at(-1).toFixed(2)))
  })
  place(turn.line, 'read', kind).replaceChildren(...lines)
}

/** What of a turn is sent and saved. */
const plain = turn => Object.fromEntries(['user', ...REPLIES, ...REPLIES.map(thoughts)].filter(name => turn[name] !== undefined).map(name => [name, turn[name]]))

/** Answers the last of some turns, or reads it where it has its replies. */
async function answer (upTo, mine) {
  const turn = turns[upTo]
  turn.line.setAttribute('aria-busy', 'true')
  try {
    const reply = await fetch(form.dataset.say, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ turns: turns.slice(0, upTo + 1).map(plain), ...turn.how }),
      signal: mine.signal
    })
    for await (const piece of globalThis.jsonLines(reply)) {
      if (piece.html) {
        for (const [of, html] of Object.entries(piece.html)) place(turn.line, 'read', of).innerHTML = html
        for (const button of turn.line.querySelectorAll('.add')) button.hidden = false
        continue
      }
      stage('writing')
      if (piece.thinking) turn[thoughts(piece.kind)] = (turn[thoughts(piece.kind)] ?? '') + piece.thinking
      turn[piece.kind] = (turn[piece.kind] ?? '') + piece.text
      if (turn[thoughts(piece.kind)]) showThoughts(turn, piece.kind)
      place(turn.line, 'said', piece.kind).textContent = visible(turn[piece.kind])
      if (piece.along) follow(turn, piece.kind, piece.along)
      if (piece.ended) tellEnd(turn, piece.kind, piece.ended, piece.reason)
    }
  } finally {
    turn.line.removeAttribute('aria-busy')
    for (const kind of REPLIES) if (turn[thoughts(kind)]) showThoughts(turn, kind)
  }
}

/** Does work that can be stopped; what was begun before is stopped. */
async function busy (work) {
  writing?.abort()
  const mine = writing = new AbortController()
  at('chat-problem').hidden = true
  at('stop').hidden = false
  at('send').disabled = true
  stage('waiting for the model')
  try {
    await work(mine)
    stage('')
  } catch (problem) {
    if (mine !== writing) return
    stage(mine.signal.aborted ? 'stopped' : '')
    if (!mine.signal.aborted) fail(problem)
  } finally {
    if (mine === writing) {
      at('stop').hidden = true
      at('send').disabled = false
      at('again').hidden = turns.length === 0
    }
  }
}

/** Answers the last turn. One of which nothing was written is taken back, so that it can be said again. */
function say () {
  const turn = turns.at(-1)
  return busy(async mine => {
    try {
      await answer(turns.length - 1, mine)
    } catch (problem) {
      if (turn.normal === undefined && turns.at(-1) === turn) {
        turns.pop()
        turn.line.remove()
        if (!field.value) field.value = turn.user
      } else {
        // Where it was stopped, both columns go on with what they have.
        turn.normal ??= ''
        if (told(turn.how)) turn.steered ??= ''
        for (const kind of REPLIES) if (turn[kind] !== undefined && !turn.ended?.[kind]) tellEnd(turn, kind, 'stopped')
      }
      throw problem
    }
  })
}

function send () {
  const user = field.value
  if (!user.trim() || at('send').disabled) return
  if (turns.length >= Number(form.dataset.mostTurns)) return fail(new Error(`A conversation has at most ${form.dataset.mostTurns} turns. Save it, and begin a new one.`))
  if (![...form.elements].every(one => one.reportValidity())) return
  const turn = { user, how: settings() }
  turns.push(turn)
  shown(turn)
  field.value = ''
  turn.line.scrollIntoView({ block: 'nearest' })
  say()
}

form.addEventListener('submit', event => { event.preventDefault(); send() })
field.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  send()
})
at('stop').addEventListener('click', () => writing?.abort())

// The same with the next seed, for the same one gives the same.
at('again').addEventListener('click', () => {
  const last = turns.pop()
  last.line.remove()
  setSeed((last.how.seed + 1) % 2 ** 31)
  const turn = { user: last.user, how: settings() }
  turns.push(turn)
  shown(turn)
  say()
})

const whole = () => saved(form.dataset.model, turns.map(turn => ({ ...plain(turn), how: turn.how, ended: turn.ended })), settings())

at('save').addEventListener('click', () => save(`chat-${form.dataset.model}.json`, JSON.stringify(whole(), null, 2), 'application/json'))

at('share').addEventListener('click', async () => {
  at('chat-problem').hidden = true
  const fragment = await packed(whole())
  if (fragment.length > LONGEST_LINK) return fail(new Error(`This conversation is too long for a link: it has ${fragment.length} characters of ${LONGEST_LINK}. Save it as a file instead.`))
  history.replaceState(history.state, '', fragment)
  stage(await navigator.clipboard?.writeText(location.href).then(() => 'link copied', () => 'the link stands in the address') ?? 'the link stands in the address')
})

function clear () {
  writing?.abort()
  turns = []
  at('turns').replaceChildren()
  at('again').hidden = true
  at('chat-problem').hidden = true
  stage('')
}

at('fresh').addEventListener('click', () => {
  clear()
  history.replaceState(history.state, '', location.pathname)
  field.focus()
})

/** Shows a conversation that was saved or shared, and has each of its turns read again. */
async function take (state) {
  clear()
  const missing = await restore(state)
  turns = state.turns.map(turn => ({ user: turn.user, ...Object.fromEntries([...REPLIES, ...REPLIES.map(thoughts)].map(kind => [kind, turn[kind] ?? undefined])), how: turn.how ?? settings(), ended: turn.ended }))
  for (const turn of turns) shown(turn)
  const notes = []
  if (state.model !== form.dataset.model) notes.push(`This conversation was held with ${state.model}, and here ${form.dataset.model} goes on with it.`)
  if (missing.length) notes.push(`This server does not have ${[...new Set(missing)].join(', ')}.`)
  await busy(async mine => {
    if (notes.length) return fail(new Error(notes.join(' ')))
    for (let i = 0; i < turns.length; i++) if (turns[i].normal !== undefined) await answer(i, mine)
  })
}

const shared = () => unpacked(location.hash).then(state => state && take(state)).catch(fail)

at('open').addEventListener('change', async ({ target }) => {
  const [file] = target.files
  if (!file) return
  try {
    await take(opened(JSON.parse(await file.text())))
  } catch (problem) {
    fail(problem instanceof SyntaxError ? new Error(`${file.name} is no JSON, or was cut short: ${problem.message}`) : problem)
  }
  target.value = ''
})

document.querySelector('#chat .keep').hidden = false
// Another link in the same window is another page.
window.addEventListener('hashchange', () => location.reload())
shared()
