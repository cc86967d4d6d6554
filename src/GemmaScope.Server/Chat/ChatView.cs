using System.Text.Json;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Chat;

/// <summary>A turn as the page shows it.</summary>
/// <param name="Said">What was said.</param>
/// <param name="Read">What was read of it, where it was.</param>
internal sealed record ShownTurn(ChatExchange Said, ReadingMarkup? Read = null);

/// <summary>What the page of the chat is about.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="IsTuned">Whether it was tuned to chat.</param>
/// <param name="Template">The name of its template, where it was.</param>
/// <param name="Instrument">The dictionaries in memory; null for none.</param>
/// <param name="Directions">The directions in memory.</param>
/// <param name="CanSearch">Whether features can be searched by words.</param>
/// <param name="CanThink">Whether the model can think before it answers.</param>
internal sealed record ChatScene(
    string Model,
    bool IsTuned,
    string? Template,
    Instrument? Instrument,
    IReadOnlyList<ServedDirection> Directions,
    bool CanSearch,
    bool CanThink
);

/// <summary>The page on which one talks with the model. It works as a form; the script writes replies as they come, keeps the conversation
/// and shares it.</summary>
/// <param name="scene">What it is about.</param>
/// <param name="form">The fields as they were sent.</param>
/// <param name="turns">What was said.</param>
/// <param name="problem">What went wrong, or null.</param>
internal sealed class ChatView(ChatScene scene, ChatForm form, IReadOnlyList<ShownTurn> turns, string? problem)
{
    public Page Render(int status = 200) =>
        new PageFrame
        {
            Title = $"Chat with {scene.Model}",
            Section = PageSection.Chat,
            Script = "chat.js",
            Rules = "chat.css",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Chat <small>{scene.Model}</small></h1>
                {About()}<div class="talk">
                <section aria-label="conversation">
                <ol id="turns" class="turns" aria-live="polite">{turns.Select(Turn)}</ol>
                <template id="turn">{Turn(new(new("")))}</template>
                <p class="problem" id="chat-problem" role="alert"{Markup.Trusted(problem is null ? " hidden" : "")}>{problem ?? ""}</p>
                {Form()}</section>
                {new ChatPanel(scene, form).Render()}</div>

                """
            ),
            status
        );

    private Markup About() =>
        scene.IsTuned
            ? Markup.Of(
                $"<p class=\"note\">Each message is answered twice: as the model does, and with what you turn up or down. Messages are written in {(scene.Template!.Contains('.', StringComparison.Ordinal) ? "the model’s own template" : "the known template of its family")} (<code>{scene.Template}</code>). Nothing is stored on the server.</p>\n"
            )
            : Markup.Of(
                $"<p class=\"warning\" id=\"untuned\"><b>{scene.Model} is a base model:</b> it was not tuned to chat and has no turns. What you write is a text that it goes on with, and what comes next begins a new line. For answers, start the server with the <code>-it</code> form of the model. Nothing is stored on the server.</p>\n"
            );

    private static Markup Turn(ShownTurn turn) =>
        Markup.Of(
            $"""
            <li class="turn">
            <div class="said"><h2 class="sr">You</h2><p class="bubble" data-said="user">{HtmlText.Visible(turn.Said.User)}</p><div class="read" data-read="user">{turn.Read?.User ?? Markup.Empty}</div></div>
            <div class="replies">
            {Reply(
                ChatPiece.Normal,
                "default",
                turn.Said.Normal,
                turn.Read?.Normal,
                Thoughts(ChatPiece.NormalThinking, turn.Said.NormalThinking, turn.Read?.NormalThinking)
            )}{Reply(
                ChatPiece.Steered,
                "steered",
                turn.Said.Steered,
                turn.Read?.Steered,
                Thoughts(ChatPiece.SteeredThinking, turn.Said.SteeredThinking, turn.Read?.SteeredThinking)
            )}</div>
            </li>

            """
        );

    /// <summary>What the model thought, folded up: it is no part of its answer.</summary>
    private static Markup Thoughts(string kind, string? thought, Markup? read) =>
        Markup.Of(
            $"""
            <details class="thoughts" data-thoughts="{kind}"{Markup.Trusted(string.IsNullOrEmpty(thought) ? " hidden" : "")}><summary>Thoughts <small data-thinking="{kind}"></small></summary><p class="bubble" data-said="{kind}">{HtmlText.Visible(
                thought ?? ""
            )}</p><div class="read" data-read="{kind}">{read ?? Markup.Empty}</div></details>

            """
        );

    private static Markup Reply(string kind, string name, string? said, Markup? read, Markup thoughts) =>
        Markup.Of(
            $"""
            <div class="reply {kind}"><h2>{name} <small data-how="{kind}"></small></h2>{thoughts}<p class="bubble" data-said="{kind}">{HtmlText.Visible(
                said ?? ""
            )}</p><p class="note" data-ended="{kind}"></p><div class="read" data-read="{kind}">{read ?? Markup.Empty}</div></div>

            """
        );

    private Markup Form() =>
        Markup.Of(
            $"""
            <form id="chat" action="/chat" method="post" data-say="/chat/say" data-find="/chat/features" data-model="{scene.Model}" data-most-turns="{ChatRequest.MostTurns}">
            <input type="hidden" name="{ChatForm.TurnsField}" value="{HtmlText.Field(
                JsonSerializer.Serialize(turns.Select(turn => turn.Said), ServerJson.Options)
            )}">
            <label class="sr" for="message">Message</label>
            <textarea id="message" name="{ChatForm.MessageField}" rows="2" maxlength="{ChatRequest.LongestMessage}" placeholder="{(
                scene.IsTuned ? "Say something …" : "Begin a text …"
            )}" required>{Markup.Trusted("\n")}{HtmlText.Field(form.Message)}</textarea>
            <p class="choices"><button id="send">Send</button> <button type="button" id="stop" hidden>Stop</button> <button type="button" class="quiet" id="again" hidden>Regenerate</button> <span class="soft" id="chat-stage" role="status"></span></p>
            <p class="choices keep" hidden><button type="button" class="quiet" id="share">Copy link</button> <button type="button" class="quiet" id="save">Save</button> <label class="file">Open <input type="file" id="open" accept=".json,application/json"></label> <button type="button" class="quiet" id="fresh">New conversation</button></p>
            </form>

            """
        );
}
