using System.Globalization;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>Which graphs are listed, as it stands in the address.</summary>
/// <param name="Q">Words that are in the prompt, the name, the model or a target.</param>
/// <param name="Sort">latest, prompt, replacement, completeness or size.</param>
/// <param name="All">Whether the list is not cut.</param>
internal sealed record CircuitQuery(string? Q = null, string? Sort = null, bool? All = null);

/// <summary>The page of all graphs.</summary>
internal static class CircuitListView
{
    /// <summary>Graphs of a list that is cut, and from how many on it can be searched.</summary>
    private const int Most = 100,
        Many = 8;

    private static readonly (string Name, string Text)[] Orders =
    [
        ("latest", "the latest first"),
        ("prompt", "by prompt"),
        ("replacement", "best replacement first"),
        ("completeness", "most complete first"),
        ("size", "largest first"),
    ];

    /// <summary>The page.</summary>
    /// <param name="graphs">All graphs, the latest first.</param>
    /// <param name="query">Which are listed.</param>
    /// <param name="canTrace">Whether new ones can be made.</param>
    /// <param name="circuits">The model, on which things can be tried.</param>
    public static Page Page(IReadOnlyList<CircuitSummary> graphs, CircuitQuery query, bool canTrace, CircuitModel circuits) =>
        new PageFrame
        {
            Title = "Circuits",
            Section = PageSection.Circuits,
            Script = CircuitViewer.Script,
            Rules = CircuitViewer.Rules,
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Circuits <small>which features lead to the next word</small></h1>
                {(canTrace ? Form : Markup.Empty)}{(graphs.Count > Many ? Search(query) : Markup.Empty)}{List(
                    graphs,
                    query
                )}<p><label>Open a graph of your own, also one that another program made <input type="file" id="open-graph" accept=".json,.gz"></label> <span class="note">Your browser reads it; it is not sent anywhere.</span></p>
                {CircuitViewer.Render(null, circuits)}
                """
            )
        );

    private static Markup Form { get; } =
        Markup.Of(
            $"""
            <form class="scope" action="{PageSection.Circuits.Address}" method="post" id="trace" data-trace="{PageSection.Circuits.Address}/trace">
            <label class="sr" for="text">Text</label>
            <textarea id="text" name="text" maxlength="{Pages.TextReader.LongestText}" placeholder="The beginning of a text, whose next word is to be explained …" required></textarea>
            <div class="choices"><button>Trace</button> <button type="button" class="quiet" id="trace-stop" hidden>stop</button> <progress id="trace-progress" hidden></progress> <span class="note" id="trace-stage" aria-live="polite"></span></div>
            </form>

            """
        );

    private static Markup Search(CircuitQuery query) =>
        Markup.Of(
            $"""
            <form class="find" action="{PageSection.Circuits.Address}" role="search">
            <input type="search" name="q" value="{query.Q ?? ""}" placeholder="words of a prompt, a target, a model …" aria-label="find graphs">
            <select name="sort" aria-label="order">{Orders.Select(order =>
                Markup.Of($"<option value=\"{order.Name}\"{Markup.Trusted(order.Name == query.Sort ? " selected" : "")}>{order.Text}</option>")
            )}</select> <button class="quiet">find</button>
            </form>

            """
        );

    private static Markup List(IReadOnlyList<CircuitSummary> graphs, CircuitQuery query)
    {
        var words = (query.Q ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        CircuitSummary[] found = [.. Sorted(graphs.Where(one => one.Has(words)), query.Sort)];
        if (found.Length == 0)
            return graphs.Count == 0
                ? Markup.Of(
                    $"<p class=\"empty\">There is no graph here yet. Make one with the command <code>circuit</code> and save it into the folder that this server shows, or open a file below.</p>\n"
                )
                : Markup.Of(
                    $"<p class=\"empty\">None of {graphs.Count:#,0} graphs has these words. <a href=\"{PageSection.Circuits.Address}\">Show all.</a></p>\n"
                );
        var shown = query.All is true ? found : [.. found.Take(Most)];
        return Markup.Of(
            $"""
            <ul class="cards graphs">
            {shown.Select(Line)}</ul>
            {(
                shown.Length < found.Length
                    ? Markup.Of($"<p class=\"note\">{shown.Length:#,0} of {found.Length:#,0}. <a href=\"{More(query)}\">Show all</a></p>\n")
                    : Markup.Empty
            )}
            """
        );
    }

    private static string More(CircuitQuery query) =>
        $"{PageSection.Circuits.Address}?all=true&q={Uri.EscapeDataString(query.Q ?? "")}&sort={Uri.EscapeDataString(query.Sort ?? "")}";

    private static IEnumerable<CircuitSummary> Sorted(IEnumerable<CircuitSummary> graphs, string? sort) =>
        sort switch
        {
            "prompt" => graphs.OrderBy(one => CircuitView.Prompt(one.Prompt), StringComparer.OrdinalIgnoreCase),
            "replacement" => graphs.OrderByDescending(one => one.Figures?.Replacement ?? -1),
            "completeness" => graphs.OrderByDescending(one => one.Figures?.Completeness ?? -1),
            "size" => graphs.OrderByDescending(one => one.Figures?.Edges ?? -1),
            _ => graphs,
        };

    private static Markup Line(CircuitSummary one) =>
        Markup.Of(
            $"<li><a href=\"{CircuitView.Address(one.Name)}\"><b>{HtmlText.Visible(CircuitView.Prompt(one.Prompt))}</b>{(one.Figures is { Targets: [_, ..] } known ? Targets(known) : Markup.Empty)}</a> <span class=\"soft\">{(one.Figures is { } figures ? Figures(figures) : Markup.Of($"cannot be read"))}</span> <time class=\"soft\" datetime=\"{one.Written:yyyy-MM-ddTHH:mm:ssZ}\">{one.Written.ToString("d MMM yyyy", CultureInfo.InvariantCulture)}</time></li>\n"
        );

    private static Markup Targets(CircuitFigures figures) =>
        Markup.Of(
            $" <span class=\"to\">→ {Markup.Join(figures.Targets.Select(target => Markup.Of($"<code class=\"word\">{Word(target)}</code> ")))}</span>"
        );

    private static string Word(string target) =>
        HtmlText.Visible(string.IsNullOrWhiteSpace(target) ? target.Replace(' ', '␣') : target.Trim());

    private static Markup Figures(CircuitFigures figures) =>
        Markup.Of(
            $"{HtmlText.Visible(figures.Model)} · {figures.Features:#,0} features · {figures.Edges:#,0} edges{(figures.Replacement is { } share ? Markup.Of($" · replacement {share:0.00}") : Markup.Empty)}{(figures.Completeness is { } whole ? Markup.Of($" · complete {whole:0.00}") : Markup.Empty)}{(figures.Holds ? Markup.Empty : Markup.Of($" · <span class=\"less-of\">sums do not hold</span>"))}"
        );
}
