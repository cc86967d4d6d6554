using GemmaScope.Features;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Shield;

/// <summary>The guard's page: a form, the scores under each policy, and why.</summary>
internal sealed class ShieldView(
    ServerModel served,
    ShieldService shield,
    IReadOnlyList<MicroscopeDictionary> dictionaries,
    DictionaryTitles titles,
    ShieldForm form,
    ShieldVerdict? verdict,
    string? problem
)
{
    /// <summary>Features shown.</summary>
    public const int Listed = 15;

    private const int LongestText = 100_000;

    /// <summary>Why the verdict came out so; null where that was not asked for.</summary>
    public ExplanationMarkup? Why { get; init; }

    /// <summary>What the reader of the explanation should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public Page Render(int status = 200) =>
        new PageFrame { Title = "Guard", Section = PageSection.Guard }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Does a text violate a policy?</h1>
                {(served.Note is { } note ? Markup.Of($"<p class=\"problem\">Note: {note}.</p>\n") : Markup.Empty)}{(
                    shield.Template.IsOfChat ? Markup.Of($"<p class=\"problem\">Note: {ShieldTemplate.ChatNote}.</p>\n") : Markup.Empty
                )}{Form()}{(
                    problem is null ? Markup.Empty : Markup.Of($"<p class=\"problem\" role=\"alert\">{problem}</p>\n")
                )}{(verdict is null ? Markup.Empty : Verdict(verdict))}{(Why is null ? Markup.Empty : Explanation(Why))}
                """
            ),
            status
        );

    private Markup Form() =>
        Markup.Of(
            $"""
            <form class="scope guard" action="/shield" method="post">
            <div class="texts"><div><label for="text">A user’s prompt</label>
            <textarea id="text" name="prompt" rows="4" maxlength="{LongestText}">{Markup.Trusted("\n")}{HtmlText.Field(form.Prompt)}</textarea></div>
            <div><label for="response">The model’s response <span class="soft">to judge that instead</span></label>
            <textarea id="response" name="response" rows="4" maxlength="{LongestText}">{Markup.Trusted("\n")}{HtmlText.Field(form.Response)}</textarea></div></div>
            <div class="choices">
            {(dictionaries.Count == 0 ? Markup.Empty : Choices())}<button>Judge</button> <span class="soft">{FeatureLinks.ModelName(
                served.Name
            )}, template {shield.Template.Name}. Nothing you type is stored.</span>
            </div>
            </form>

            """
        );

    private Markup Choices() =>
        Markup.Of(
            $"""
            <label>explain with <select name="dictionary">{dictionaries.Select(one => Option(one.Name, titles[FeatureLinks.ModelName(served.Name), one.Name].Text, form.Dictionary))}{Option(
                "",
                "no dictionary",
                form.Dictionary
            )}</select></label>
            <label>policy <select name="policy">{Option("", "the likeliest", form.Policy)}{shield.Policies.Select(policy =>
                Option(policy.Key, policy.Key, form.Policy)
            )}</select></label>

            """
        );

    private static Markup Option(string value, string name, string chosen) =>
        Markup.Of($"<option value=\"{value}\"{Markup.Trusted(value == chosen ? " selected" : "")}>{name}</option>");

    private static Markup Verdict(ShieldVerdict verdict) =>
        Markup.Of(
            $"""
            <section aria-label="verdict" class="verdict {Markup.Trusted(verdict.IsViolated ? "violated" : "clear")}">
            <h2>{(verdict.IsViolated ? "Violated" : "Not violated")} <small>the {(
                verdict.Question.Response is null ? "prompt" : "response"
            )} was judged; the largest probability is {verdict.Probability:0.000}</small></h2>
            {verdict.Warnings.Where(warning => warning != ShieldTemplate.ChatNote).Select(warning => Markup.Of($"<p class=\"note\">{warning}</p>\n"))}<table>
            <tr><th>policy</th><th class="n">probability</th><th class="gap">0 to 1, with the threshold</th><th class="n">threshold</th><th>verdict</th></tr>
            {verdict.Scores.Select(Line)}</table>
            </section>

            """
        );

    private static Markup Line(PolicyScore score) =>
        Markup.Of(
            $"<tr><td>{score.Policy.Name}</td><td class=\"n\">{score.Probability:0.0000}</td><td class=\"gap\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"{Markup.Trusted(score.IsViolated ? "yes" : "no")}\" width=\"{100 * score.Probability:0.##}\" height=\"10\"/><path d=\"M{100 * score.Policy.Threshold:0.##} 0V10\"/></svg></td><td class=\"n\">{score.Policy.Threshold:0.##}</td><td>{(score.IsViolated ? Markup.Of($"<b>violated</b>") : Markup.Of($"not violated"))}</td></tr>\n"
        );

    private Markup Explanation(ExplanationMarkup why) =>
        Markup.Of(
            $"""
            <section aria-label="why">
            {why.Render()}{Notes.Select(note =>
                Markup.Of($"<p class=\"note\">Note: {note}.</p>\n")
            )}<p class="note">{ExplanationMarkup.Meaning}</p>
            </section>

            """
        );
}
