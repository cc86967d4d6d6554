using System.Globalization;
using GemmaScope.Lenses;

namespace GemmaScope.Workbench.Html;

/// <summary>The picture of a text read through a lens: layers below each other, the last on top, tokens side by side, and in each cell the
/// likeliest word, the darker the more probable.</summary>
/// <param name="result">What was read.</param>
/// <param name="form">The id of the form that cells are buttons of; null for cells that only show.</param>
/// <param name="chosen">The cell that is open: layer and position; null for none.</param>
public sealed class LensPicture(LensShowResult result, string? form = null, (int Layer, int Position)? chosen = null)
{
    private const int Tones = 9;

    /// <summary>The table.</summary>
    public Markup Render() =>
        Markup.Of(
            $"""
            <div class="scroll broad" tabindex="0" role="region" aria-label="layers by tokens"><table class="lens">
            <tr><th scope="col">after layer</th>{result.Tokens.Select(token =>
                Markup.Of($"<th scope=\"col\" title=\"position {token.Position}, id {token.Id}\">{Shown(token.Piece)}</th>")
            )}</tr>
            {Enumerable.Range(0, result.Layers.Count).Reverse().Select(Row)}</table></div>
            <p class="note">Each cell: the word that the {result.Described} reads as the likeliest to be said next. The top row is the model’s own prediction.
            <span class="way-mark"></span>where the final answer first is the likeliest <span class="way-mark overridden"></span>a word of at least {LensReading.Disposed:0 %} that a later layer overrides</p>

            """
        );

    /// <summary>Token by token where its answer appears.</summary>
    public Markup Paths() =>
        Markup.Of(
            $"""
            <div class="scroll"><table>
            <tr><th class="n">position</th><th>token</th><th>answer</th><th class="n">probability</th><th class="n">first after layer</th><th class="n">stays from</th><th>overridden</th></tr>
            {result.Tokens.Select(token =>
                Markup.Of(
                    $"<tr><td class=\"n\">{token.Position}</td><td class=\"p\">{Shown(token.Piece)}</td><td class=\"p\">{Shown(token.Answer.Piece)}</td><td class=\"n\">{Digits.Percent(token.Answer.Probability)}</td><td class=\"n\">{token.Appears}</td><td class=\"n\">{token.Settles}</td><td>{Overridden(token)}</td></tr>\n"
                )
            )}</table></div>

            """
        );

    /// <summary>The words that are followed, layer by layer, at the last token.</summary>
    public Markup Watched(int position)
    {
        var cells = result.Tokens[position].Cells;
        return cells[0].Watched is not { Count: > 0 } words
            ? Markup.Empty
            : Markup.Of(
                $"""
                <h2>Followed words, at position {position}</h2>
                <div class="scroll"><table>
                <tr><th class="n">after layer</th>{words.Select(word => Markup.Of($"<th class=\"n\">{Shown(word.Piece)}</th><th class=\"n\">rank</th>"))}</tr>
                {cells.Reverse().Select(cell =>
                    Markup.Of(
                        $"<tr><td class=\"n\">{cell.Layer}</td>{cell.Watched!.Select(word => Markup.Of($"<td class=\"n\">{Digits.Percent(word.Probability)}</td><td class=\"n\">{word.Rank + 1}</td>"))}</tr>\n"
                    )
                )}</table></div>

                """
            );
    }

    /// <summary>A page that is a file.</summary>
    /// <param name="text">What was read.</param>
    public Markup Page(string text) =>
        new ReportPage("Lens", Markup.Of($"<p class=\"meta\">{result.Model} · {result.Described}</p>")).Render(
            Markup.Of(
                $"""
                <p class="text">{HtmlText.Visible(text)}</p>
                <h2>Layers by tokens</h2>
                {Render()}<h2>Where answers appear</h2>
                {Paths()}{Watched(result.Tokens.Count - 1)}<h2>Not shown</h2>
                <p class="note">That a word stands in a cell shows what the stream would be read as there, on average over other texts; not that the model thinks it, nor that it matters for the answer: change it through the lens to see that.</p>

                """
            )
        );

    private Markup Row(int row)
    {
        var layer = result.Layers[row];
        var own = row == result.Layers.Count - 1;
        return Markup.Of(
            $"<tr{Markup.Trusted(own ? " class=\"own\"" : "")}><th scope=\"row\">{layer}{(own ? " · the model" : "")}</th>{result.Tokens.Select(token => Cell(token, token.Cells[row]))}</tr>\n"
        );
    }

    private Markup Cell(ShownToken token, ShownCell cell)
    {
        var tone = (int)Math.Round(Tones * Math.Clamp(cell.Top[0].Probability, 0, 1));
        var marks =
            (cell.Layer == token.Appears ? " appears" : "")
            + (cell.Layer == token.OverriddenLayer ? " overridden" : "")
            + (chosen == (cell.Layer, token.Position) ? " opened" : "");
        var tip = string.Join('\n', cell.Top.Select(word => $"{Shown(word.Piece)}  {Digits.Percent(word.Probability)}"));
        var word = Shown(cell.Top[0].Piece);
        return form is null
            ? Markup.Of($"<td class=\"{Markup.Trusted($"l{tone}{marks}")}\" title=\"{tip}\"><span>{word}</span></td>")
            : Markup.Of(
                $"<td class=\"{Markup.Trusted($"l{tone}{marks}")}\" title=\"{tip}\"><button form=\"{form}\" name=\"cell\" value=\"{cell.Layer}.{token.Position}\">{word}</button></td>"
            );
    }

    private static Markup Overridden(ShownToken token) =>
        token.Overridden is { } word
            ? Markup.Of(
                $"{Shown(word.Piece)} ({Digits.Percent(word.Probability)} after layer {token.OverriddenLayer!.Value.ToString(CultureInfo.InvariantCulture)})"
            )
            : Markup.Empty;

    /// <summary>A piece with its space seen.</summary>
    private static string Shown(string piece) => LensWords.Shown(piece);
}
