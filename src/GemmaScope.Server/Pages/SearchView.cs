using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What was found in one dictionary.</summary>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Rows">The features, the best first.</param>
/// <param name="Glances">What else is known of them.</param>
internal sealed record SearchGroup(
    StoredDictionary Dictionary,
    IReadOnlyList<FeatureRow> Rows,
    IReadOnlyDictionary<int, FeatureGlance> Glances
);

/// <summary>What was found, and why.</summary>
/// <param name="query">What was searched for.</param>
/// <param name="within">The dictionary it was searched in; null for all.</param>
/// <param name="dictionaries">All dictionaries there are.</param>
/// <param name="titles">What they are called.</param>
/// <param name="found">What was found, by dictionaries.</param>
internal sealed class SearchView(
    string query,
    StoredDictionary? within,
    IReadOnlyList<StoredDictionary> dictionaries,
    DictionaryTitles titles,
    IReadOnlyList<SearchGroup> found
)
{
    /// <summary>Features shown.</summary>
    public const int Most = 100;

    /// <summary>Words listed of those that a feature fires on or promotes.</summary>
    private const int Listed = 3;

    private readonly SearchMarks _marks = new(query);

    /// <summary>Words that would find something.</summary>
    public IReadOnlyList<string> Suggestions { get; init; } = [];

    /// <summary>Whether a text can be read here.</summary>
    public bool CanRead { get; init; }

    public Page Render() =>
        new PageFrame { Title = query.Length > 0 ? $"“{query}”" : "Search" }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{(query.Length > 0 ? $"Features for “{HtmlText.Visible(query)}”" : "Search features")}</h1>
                {Form()}{(
                    found.Count > 0 ? Found()
                    : query.Length > 0 ? Nothing()
                    : Unasked()
                )}
                """
            )
        );

    private Markup Form() =>
        Markup.Of(
            $"""
            <form class="find" action="/search" role="search" aria-label="in the page">
            <input type="search" name="q" value="{HtmlText.Field(
                query
            )}" placeholder="a word of a label, or one that features fire on or promote" aria-label="words">
            {(dictionaries.Count > 1 ? Choice() : Markup.Empty)}<button>Search</button>
            </form>

            """
        );

    private Markup Choice()
    {
        var models = dictionaries.GroupBy(one => one.Model).ToArray();
        return Markup.Of(
            $"<select name=\"dict\" aria-label=\"dictionary\"><option value=\"\">all dictionaries</option>{models.Select(model => models.Length > 1 ? Markup.Of($"<optgroup label=\"{model.Key}\">{model.Select(Option)}</optgroup>") : Markup.Join(model.Select(Option)))}</select>\n"
        );
    }

    private Markup Option(StoredDictionary one) =>
        Markup.Of(
            $"<option value=\"{one.Model}/{one.Name}\"{Markup.Trusted(one.Id == within?.Id ? " selected" : "")}>{titles[one].Text}</option>"
        );

    private Markup Found()
    {
        var count = found.Sum(group => group.Rows.Count);
        return Markup.Of(
            $"""
            <p class="soft">{(
                count == Most ? $"The best {Most} are shown"
                : count == 1 ? "One feature"
                : $"{count} features"
            )}; the words that fit are marked.{(within is null ? Markup.Empty : Markup.Of($" <a href=\"{PageAddress.WithQuery("/search", ("q", query))}\">in all dictionaries</a>"))}</p>
            {found.Select(Group)}
            """
        );
    }

    private Markup Group(SearchGroup group) =>
        Markup.Of(
            $"""
            <section class="hits"><h2>{titles[group.Dictionary].Link(PageAddress.Dictionary(group.Dictionary))} <small>{group.Dictionary.Model}{(
                within is null && dictionaries.Count > 1
                    ? Markup.Of($" · <a href=\"{PageAddress.WithQuery("/search", ("q", query), ("model", group.Dictionary.Model), ("dict", group.Dictionary.Name))}\">only here</a>")
                    : Markup.Empty
            )}</small></h2>
            <ul>
            {group.Rows.Select(row => Hit(group.Dictionary, row, group.Glances.GetValueOrDefault(row.Feature)))}</ul></section>

            """
        );

    private Markup Hit(StoredDictionary dictionary, FeatureRow row, FeatureGlance? glance)
    {
        var name = _marks.In(FeatureName.Of(row.Label, glance));
        return Markup.Of(
            $"""
            <li>{FeatureName.Link(dictionary, row.Feature, Markup.Of($"<b class=\"number\">#{row.Feature}</b> {name}"))}
            <span class="why">{Why(row, glance, name.ToString().Contains("<mark>", StringComparison.Ordinal))}</span>
            <span class="soft">{(
                row.Count == 0 ? Markup.Of($"never fires") : Markup.Of($"{Digits.Percent(row.Density)} of tokens")
            )}</span></li>

            """
        );
    }

    /// <summary>Where the words stand: in a label, of which a name has only the beginning; among the tokens it fires on; among the words it
    /// promotes.</summary>
    private Markup Why(FeatureRow row, FeatureGlance? glance, bool isSeen)
    {
        var other = glance?.Labels.Skip(1).FirstOrDefault(label => _marks.Fit(label.Text));
        Markup[] reasons =
        [
            .. row.Label is not { } label || !_marks.Fit(label) ? (Markup[])[]
            : isSeen ? [Markup.Of($"in its label")]
            : Words("in its label", _marks.Fitting(label)),
            .. other is null ? (Markup[])[] : Words("in another label", _marks.Fitting(other.Text)),
            .. Words("fires on", glance?.TopTokens),
            .. Words("promotes", glance?.Promoted),
        ];
        // A word may be among those that are pushed most, and yet be pushed down.
        if (reasons.Length == 0 && glance?.Dashboard.Logits is { } logits)
            reasons = Words("among its words", logits.Top.Select(word => FeatureName.Word(glance.Source.Piece(word.Token))));
        return Markup.Join(reasons.Select((reason, i) => Markup.Of($"{(i > 0 ? " · " : "")}{reason}")));
    }

    private Markup[] Words(string what, IEnumerable<string>? words)
    {
        var fitting = (words ?? []).Where(_marks.Fit).Take(Listed).ToArray();
        return fitting.Length == 0 ? [] : [Markup.Of($"{what} {_marks.In(FeatureName.Chips(fitting, Listed))}")];
    }

    private Markup Nothing()
    {
        var asked = _marks.Asked;
        return Markup.Of(
            $"""
            <div class="empty"><p><b>Nothing was found{(within is null ? "" : $" in {titles[within]}")}.</b> Labels, promoted words and strongest tokens are searched for words that begin with those you type; all of them have to fit.</p>
            {Tries(
                [
                    .. within is null ? (Markup[])[] : [Try("in all dictionaries", "/search", ("q", query))],
                    .. asked.Count < 2 ? [] : asked.Take(Suggested).Select(word => Try($"only “{word}”", "/search", ("q", word))),
                    .. asked is [{ Length: > Short } word1] ? (Markup[])[Try($"“{word1[..Short]}…”", "/search", ("q", word1[..Short]))] : [],
                    .. CanRead && asked.Count > 0
                        ? (Markup[])[Try($"which features fire on “{HtmlText.Visible(query)}”", "/", ("q", query))]
                        : [],
                ]
            )}{Suggest()}</div>

            """
        );
    }

    private Markup Unasked() =>
        Markup.Of(
            $"""
            <div class="empty"><p>{(
                dictionaries.Any(one => one.Features > 0)
                    ? "Type a word. Labels, promoted words and strongest tokens are searched for words that begin with it."
                    : "The database has no features yet. Build those of a dictionary into it, and load this page again."
            )}</p>
            {Suggest()}</div>

            """
        );

    /// <summary>Letters of a longer word that are worth a try, and single words offered.</summary>
    private const int Short = 4,
        Suggested = 4;

    private static Markup Tries(Markup[] tries) =>
        tries.Length == 0 ? Markup.Empty : Markup.Of($"<p>Try {tries.Select((one, i) => Markup.Of($"{(i > 0 ? " · " : "")}{one}"))}</p>\n");

    private static Markup Try(string name, string path, (string Name, string? Value) value) =>
        Markup.Of($"<a href=\"{PageAddress.WithQuery(path, value)}\">{name}</a>");

    private Markup Suggest() =>
        Suggestions.Count == 0
            ? Markup.Empty
            : Markup.Of(
                $"<p>There is something for {Suggestions.Select((word, i) => Markup.Of($"{(i > 0 ? " · " : "")}<a href=\"{PageAddress.WithQuery("/search", ("q", word))}\">{word}</a>"))}</p>\n"
            );
}
