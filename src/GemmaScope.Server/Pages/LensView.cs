using GemmaScope.Lenses;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The lens's page: a text, the picture of layers by tokens, the cell that is open, and what a change through the lens does. All
/// of it is one form, whose buttons are the cells.</summary>
internal sealed class LensView(
    string model,
    IReadOnlyList<Lens> lenses,
    int layers,
    LensQuery query,
    LensShowResult? result,
    LensSteerResult? changed,
    string? problem
)
{
    /// <summary>The form, which buttons in the picture belong to.</summary>
    private const string Form = "lens-form",
        Part = "lens-result";

    public Page Render(int status) =>
        new PageFrame
        {
            Title = "Lens",
            Section = PageSection.Lens,
            Rules = "lens.css",
            Script = "lens.js",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">What is it about to say?</h1>
                {Fields()}<div id="{Part}" aria-live="polite">
                {(problem is null ? Markup.Empty : Markup.Of($"<p class=\"problem\" role=\"alert\">{problem}</p>\n"))}{(
                    changed is null ? Markup.Empty : Changed(changed)
                )}{(result is null ? Hint : Read(result))}</div>

                """
            ),
            status
        );

    private static Markup Hint =>
        Markup.Of(
            $"""
            <p class="note">Type a text. Every layer’s stream is read as if it were the last: the word in a cell is what the model is disposed to say there.
            The logit lens takes the stream as it is; a Jacobian lens carries it on by the mean derivative of the last layer, now and later; a tuned lens by a map that was trained to foretell the answer.</p>

            """
        );

    private Markup Fields() =>
        Markup.Of(
            $"""
            <form class="scope" action="{PageSection.Lens.Address}" id="{Form}" data-in-place="{Part}">
            <label class="sr" for="text">A text</label>
            <textarea id="text" name="text" rows="2" maxlength="{LensQuery.LongestText}" placeholder="A text to be read …" required>{Markup.Trusted(
                "\n"
            )}{HtmlText.Field(query.Text ?? "")}</textarea>
            <div class="choices">
            <label>lens <select name="lens">{lenses.Select(Option)}</select></label>
            <label><input type="checkbox" name="chat" value="yes"{Markup.Trusted(query.IsChat ? " checked" : "")}> as a chat message</label>
            <button>Read</button> <span class="soft">{model}</span>
            </div>
            <details{Markup.Trusted(query.Changes || changed is not null ? " open" : "")}><summary>change it through the lens</summary><div class="choices">
            <label>how <select name="mode">{LensEdits.Kinds.Keys.Select(Mode)}</select></label>
            <label>word <input name="token" value="{HtmlText.Field(query.Token ?? "")}" size="12" placeholder="Paris" title="one token, or #ID"></label>
            <label>for <input name="to" value="{HtmlText.Field(query.To ?? "")}" size="12" placeholder="a swap’s other word" title="one token, or #ID"></label>
            <label>strength <input type="number" name="strength" step="any" value="{HtmlText.Field(query.Strength ?? "")}" placeholder="default"></label>
            <label>after layers <input name="layers" value="{HtmlText.Field(query.Layers ?? "")}" size="8" placeholder="middle" title="3, 2-4 or 0,2-4; layers 0 to {layers - 1}"></label>
            <button name="change" value="yes">Change</button>
            </div>
            <p class="note">steer: towards the word, by strength × the stream’s length · add: the direction as it is · ablate: without it · swap: the coordinates of two words change places (swap-live reads them anew at each layer, swap-projection moves one to the other) · ablate-top: without what is read loudest. Never at ‹bos›.</p></details>
            </form>

            """
        );

    private Markup Option(Lens lens, int number)
    {
        var isChosen = lens.Kind == query.Lens || $"{number}" == query.Lens;
        var name = lens.Origin.File is { } file ? $"{LensChoice.Describe(lens)} ({Path.GetFileName(file)})" : LensChoice.Describe(lens);
        return Markup.Of($"<option value=\"{number}\"{Markup.Trusted(isChosen ? " selected" : "")}>{name}</option>");
    }

    private Markup Mode(string mode) => Markup.Of($"<option{Markup.Trusted(mode == query.Mode ? " selected" : "")}>{mode}</option>");

    private Markup Read(LensShowResult read)
    {
        var opened = query.Opened(read);
        return Markup.Of(
            $"""
            <section aria-label="layers by tokens">
            {new LensPicture(read, Form, opened).Render()}</section>
            {(
                opened is { } cell ? Opened(read, cell.Layer, cell.Position) : Markup.Empty
            )}<section aria-label="where answers appear"><h2>Where answers appear</h2>
            {new LensPicture(read).Paths()}</section>

            """
        );
    }

    /// <summary>The likeliest words of a cell.</summary>
    private static Markup Opened(LensShowResult read, int layer, int position)
    {
        var token = read.Tokens[position];
        var cell = token.Cells.First(one => one.Layer == layer);
        return Markup.Of(
            $"""
            <section aria-label="open cell" id="cell"><h2>After layer {layer}, at {TokenMarkup.Word(
                token.Piece
            )} <small>position {position}</small></h2>
            <table class="next"><tbody>{cell.Top.Select(Word)}</tbody></table>
            <p class="note">The model’s answer {TokenMarkup.Word(token.Answer.Piece)} has {Digits.Percent(
                cell.Answer
            )} here, place {cell.AnswerRank + 1}; KL(model ‖ lens) {new Rounded(cell.Kl, 3, Padded: true)} nats.</p></section>

            """
        );
    }

    private static Markup Changed(LensSteerResult changed) =>
        Markup.Of(
            $"""
            <section class="try" aria-label="changed"><h2>Changed <small>{changed.Mode}{changed.Token.Select(piece =>
                Markup.Of($" {TokenMarkup.Word(piece)}")
            )}{(changed.To is { } to ? Markup.Of($" for {TokenMarkup.Word(to)}") : Markup.Empty)}, strength {new Rounded(changed.Strength, 3)}, after layer {string.Join(", ", changed.Layers)}</small></h2>
            <div class="outcome">
            {Side("normal", changed.NormalText, changed.Normal)}{Side("changed", changed.ChangedText, changed.Changed)}</div>
            <p class="note">KL of the next word {new Rounded(changed.Kl, 3, Padded: true)} nats{(
                changed.ControlKl.Count > 0
                    ? Markup.Of($"; the same with {changed.ControlKl.Count} random words {new Rounded(changed.ControlKl.Average(), 3, Padded: true)} on average, {new Rounded(changed.ControlKl.Max(), 3, Padded: true)} at most")
                    : Markup.Empty
            )}.{changed.Words.Select(word =>
                Markup.Of($" {TokenMarkup.Word(word.Piece)} {Digits.Percent(word.Normal)} → {Digits.Percent(word.Changed)}.")
            )}</p></section>

            """
        );

    private static Markup Side(string name, string text, IReadOnlyList<LensWord> next) =>
        Markup.Of(
            $"""
            <div><h3>{name}</h3><p class="bubble">{HtmlText.Visible(text)}</p><table class="next" aria-label="{name}: likeliest next words"><tbody>{next.Select(
                Word
            )}</tbody></table></div>

            """
        );

    private static Markup Word(LensWord word) =>
        Markup.Of(
            $"<tr><td class=\"w\">{TokenMarkup.Word(word.Piece)}</td><td class=\"n\">{Digits.Percent(word.Probability)}</td><td class=\"b\">{ShareBar.Of(word.Probability)}</td></tr>"
        );
}
