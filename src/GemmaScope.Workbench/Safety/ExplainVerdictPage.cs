using GemmaScope.Safety;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>Explanations of verdicts as one HTML page, without the text.</summary>
public static class ExplainVerdictPage
{
    /// <summary>The page.</summary>
    public static Markup Render(ExplainVerdictResult result) =>
        new ReportPage("Why a verdict came out so", Markup.Of($"<p class=\"meta\">{result.Model} · template {result.Template}</p>")).Render(
            Markup.Join([
                .. result.NotShieldGemma ? (Markup[])[Markup.Of($"<p class=\"note\">Note: {ShieldTemplate.ChatNote}.</p>\n")] : [],
                .. result
                    .Verdicts.SelectMany(one => one.Warnings)
                    .Distinct()
                    .Select(warning => Markup.Of($"<p class=\"note\">Note: {warning}.</p>\n")),
                .. result.Verdicts.Select(one => new ExplanationMarkup(one).Render()),
            ]),
            Markup.Of($"<p>{ExplanationMarkup.Meaning}</p>\n")
        );
}
