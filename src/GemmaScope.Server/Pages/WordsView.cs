using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The words that a feature makes likelier and less likely, as bars on both sides of one axis: to the right what it promotes, to the
/// left what it suppresses.</summary>
internal static class WordsView
{
    /// <summary>Both lists, or why there are none.</summary>
    public static Markup Render(DashboardSource source, LogitEffects? logits) =>
        logits is null
            ? Markup.Of($"<p class=\"note\">Its site has no linear way to the logits, so there are no promoted words.</p>\n")
            : Markup.Of(
                $"""
                <section class="both-ways" aria-label="words">
                <div class="axis">
                {Words(source, logits, promoted: true)}{Words(source, logits, promoted: false)}</div>
                <p class="note">What a unit of it adds to the logit of a word: W_dec times the unembedding, without final norm and soft cap.</p>
                </section>

                """
            );

    private static Markup Words(DashboardSource source, LogitEffects logits, bool promoted)
    {
        var largest = Math.Max(Math.Abs(logits.Minimum), Math.Abs(logits.Maximum));
        return Markup.Of(
            $"""
            <table class="words {(promoted ? "up" : "down")}"><caption>{(promoted ? "Promoted" : "Suppressed")}</caption>
            {(promoted ? logits.Top : logits.Bottom).Select(score => Row(source.Piece(score.Token), score, largest, promoted))}</table>

            """
        );
    }

    private static Markup Row(string piece, TokenScore score, float largest, bool promoted)
    {
        var (word, value, bar) = (
            Markup.Of($"<td class=\"w\" title=\"{TokenMarkup.Text(piece)}\">{TokenMarkup.Word(piece)}</td>"),
            Markup.Of($"<td class=\"n\">{new Rounded(score.Value, 2, Padded: true)}</td>"),
            Markup.Of($"<td class=\"b\">{ShareBar.Of(largest > 0 ? Math.Abs(score.Value) / largest : 0, leftwards: score.Value < 0)}</td>")
        );
        return promoted ? Markup.Of($"<tr>{bar}{value}{word}</tr>\n") : Markup.Of($"<tr>{word}{value}{bar}</tr>\n");
    }
}

/// <summary>A bar as wide as a share, for cells of tables.</summary>
internal static class ShareBar
{
    /// <summary>The drawing: to the right, or to the left in the second colour.</summary>
    public static Markup Of(double share, bool leftwards = false)
    {
        var width = new Rounded(Math.Clamp(share, 0, 1) * 100, 1);
        return Markup.Of(
            $"<svg class=\"share{(leftwards ? " down" : "")}\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect{(leftwards ? Markup.Of($" x=\"{new Rounded(100 - width.Value, 1)}\"") : Markup.Empty)} width=\"{width}\" height=\"10\"/></svg>"
        );
    }
}
