using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>The pages of graphs: which there are, and one of them. What a script draws is said in words as well: targets, the strongest ways
/// to them, scores.</summary>
internal static class CircuitView
{
    /// <summary>Ways to a target that are written out.</summary>
    private const int Paths = 3;

    /// <summary>Targets that are written out.</summary>
    private const int Targets = 5;

    private const string Script = "circuits.js",
        Rules = "circuits.css";

    /// <summary>All graphs.</summary>
    /// <param name="graphs">Names, and the graphs that could be read.</param>
    /// <param name="canTrace">Whether new ones can be made.</param>
    public static Page All(IReadOnlyList<(string Name, GraphDocument? Graph)> graphs, bool canTrace) =>
        new PageFrame
        {
            Title = "Circuits",
            Section = PageSection.Circuits,
            Script = Script,
            Rules = Rules,
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Circuits <small>which features lead to the next word</small></h1>
                {(canTrace ? Form : Markup.Empty)}{(
                    graphs.Count == 0
                        ? Markup.Of($"<p class=\"empty\">There is no graph here yet. Make one with the command <code>circuit</code> and save it into the folder that this server shows, or open a file below.</p>\n")
                        : Markup.Of($"<ul class=\"cards\">\n{graphs.Select(one => Line(one.Name, one.Graph))}</ul>\n")
                )}<p><label>Open a graph of your own, also one that another program made <input type="file" id="open-graph" accept=".json,.gz"></label> <span class="note">Your browser reads it; it is not sent anywhere.</span></p>
                {Viewer(null)}
                """
            )
        );

    /// <summary>One graph.</summary>
    /// <param name="name">Its name in addresses.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="embedded">Whether it stands in a frame of another page.</param>
    public static Page One(string name, GraphDocument graph, bool embedded) =>
        new PageFrame
        {
            Title = $"{graph.Metadata.Prompt} · circuit",
            Section = PageSection.Circuits,
            Path = [new PageStep("circuits", PageSection.Circuits.Address, null), new PageStep(name, null, null)],
            Embedded = embedded,
            Script = Script,
            Rules = Rules,
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{HtmlText.Visible(graph.Metadata.Prompt)} <small>{HtmlText.Visible(graph.Metadata.Scan)}</small></h1>
                {Figures(graph)}{Viewer(Address(name) + ".json")}{Words(graph)}
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

    /// <summary>Where a graph is.</summary>
    public static string Address(string name) => $"{PageSection.Circuits.Address}/{Uri.EscapeDataString(name)}";

    private static Markup Line(string name, GraphDocument? graph) =>
        Markup.Of(
            $"<li><a href=\"{Address(name)}\"><b>{HtmlText.Visible(graph?.Metadata.Prompt ?? name)}</b></a> <span class=\"soft\">{(graph is null ? Markup.Of($"cannot be read") : Markup.Of($"{HtmlText.Visible(graph.Metadata.Scan)} · {graph.Nodes.Count:#,0} nodes · {graph.Links.Count:#,0} edges"))}</span></li>\n"
        );

    /// <summary>What tells how far the graph can be trusted.</summary>
    private static Markup Figures(GraphDocument graph)
    {
        int Count(GraphNodeKind kind) => graph.Nodes.Count(node => node.Kind == kind);
        var (replacement, completeness, error) = (
            Info(graph, "replacement_score"),
            Info(graph, "completeness_score"),
            Info(graph, "identity_error")
        );
        return Markup.Of(
            $"""
            <p class="strip-line"><b>{Count(GraphNodeKind.Feature):#,0}</b> features · <b>{Count(GraphNodeKind.Error):#,0}</b> errors · <b>{graph.Links.Count:#,0}</b> edges{(
                replacement is { } share ? Markup.Of($" · replacement <b>{share:0.000}</b> <span class=\"soft\">of the targets’ weight comes from tokens and not from errors</span>") : Markup.Empty
            )}{(completeness is { } whole ? Markup.Of($" · completeness <b>{whole:0.000}</b>") : Markup.Empty)}{(
                error is { } largest ? Markup.Of($" · largest error of the sums <b>{largest:0.#e+0}</b>{(Holds(graph) ? Markup.Empty : Markup.Of($" <span class=\"problem\">too large: this graph is not the whole computation</span>"))}") : Markup.Empty
            )}</p>
            {CheckLine.Of(graph)}

            """
        );
    }

    private static Markup Words(GraphDocument graph)
    {
        var targets = GraphPaths.Targets(graph);
        return Markup.Of(
            $"""
            <h2>The strongest ways <small>of what enters a node by the edges of this graph, the share that comes along</small></h2>
            {targets.Take(Targets).Select(target => Ways(graph, target))}
            """
        );
    }

    private static Markup Ways(GraphDocument graph, GraphDocumentNode target)
    {
        var paths = GraphPaths.Strongest(graph, target, Paths);
        return Markup.Of(
            $"""
            <h3>{HtmlText.Visible(NodeName(graph, target))}</h3>
            <ul class="ways">{(
                paths.Count == 0
                    ? Markup.Of($"<li>nothing leads to it</li>")
                    : Markup.Join(
                        paths.Select(path =>
                            Markup.Of(
                                $"<li><b>{Digits.Percent(path.Share)}</b> {Markup.Join(path.Nodes.SkipLast(1).Select((node, i) => Markup.Of($"{(i > 0 ? " → " : "")}<span class=\"step\">{HtmlText.Visible(NodeName(graph, node))} <small>{HtmlText.Visible(Place(graph, node))}</small></span>")))}</li>\n"
                            )
                        )
                    )
            )}</ul>

            """
        );
    }

    /// <summary>A node for people.</summary>
    private static string NodeName(GraphDocument graph, GraphDocumentNode node) =>
        node.Kind switch
        {
            GraphNodeKind.Token => $"“{Token(graph, node)}”",
            GraphNodeKind.Error => $"unexplained by layer {node.Layer}",
            _ when node.Others?.TryGetValue("label", out var label) == true && label.ValueKind == JsonValueKind.String =>
                label.GetString()!,
            _ when node.Label.Length > 0 => node.Label,
            _ when graph.FeatureOf(node) is var (layer, index) => $"#{index} of layer {layer}",
            _ => node.NodeId,
        };

    private static string Place(GraphDocument graph, GraphDocumentNode node) =>
        node.Kind == GraphNodeKind.Token ? $"at {node.Position}" : $"layer {node.Layer}, at {node.Position} “{Token(graph, node)}”";

    private static string Token(GraphDocument graph, GraphDocumentNode node) =>
        node.Position >= 0 && node.Position < graph.Metadata.PromptTokens.Count ? graph.Metadata.PromptTokens[node.Position] : "";

    private static double? Info(GraphDocument graph, string field) =>
        InfoElement(graph, field) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;

    private static bool Holds(GraphDocument graph) => InfoElement(graph, "identity_holds") is not { ValueKind: JsonValueKind.False };

    private static JsonElement? InfoElement(GraphDocument graph, string field) =>
        graph.Metadata.Others?.TryGetValue("info", out var info) == true
        && info.ValueKind == JsonValueKind.Object
        && info.TryGetProperty(field, out var found)
            ? found
            : null;

    /// <summary>Where the script draws; nothing is seen of it before it has something to draw.</summary>
    private static Markup Viewer(string? graph) =>
        Markup.Of(
            $"""
            <p class="problem" id="circuit-problem" role="alert" hidden></p>
            <section id="circuit" hidden{(graph is null ? Markup.Empty : Markup.Of($" data-graph=\"{graph}\""))} aria-label="graph">
            <div class="choices">
            <label>prune <input type="range" id="pruning" min="0.05" max="1" step="0.05" value="1"> <output id="pruned" for="pruning"></output></label>
            <label>find <input type="search" id="seek" placeholder="a label, token or index"> <output id="sought" for="seek"></output></label>
            <span class="legend"><svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="node feature" d="M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z"/></svg> feature <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="node error" d="M0-5 5 0 0 5-5 0Z"/></svg> unexplained <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="node token" d="M-5-5H5V5H-5Z"/></svg> token · <span class="more-of">raises</span> <span class="less-of">lowers</span></span>
            </div>
            <p class="note one-line" id="pointed" aria-live="polite"></p>
            <div class="circuit-sides">
            <div id="graph" tabindex="0" role="application" aria-label="graph: arrows walk from node to node, Enter chooses one, p pins it"><div id="drawing"><canvas id="edges" aria-hidden="true"></canvas><canvas id="near" aria-hidden="true"></canvas><svg id="nodes" xmlns="http://www.w3.org/2000/svg"></svg></div></div>
            <div id="about" aria-live="polite"></div>
            </div>
            <section id="pinned" hidden aria-label="pinned nodes">
            <div class="headed"><h2>Pinned <small>drag one onto another to make them one; a double click renames</small></h2><span><button type="button" class="quiet" id="ungroup">ungroup</button> <button type="button" class="quiet" id="unpin">unpin all</button></span></div>
            <svg id="picture" xmlns="http://www.w3.org/2000/svg"></svg>
            </section>
            <p class="choices"><button type="button" class="quiet" id="save-json">save the graph as JSON</button> <button type="button" class="quiet" id="save-svg">the pinned nodes as SVG</button> <button type="button" class="quiet" id="save-png">as PNG</button></p>
            </section>
            <noscript><p class="note">The drawing needs JavaScript; the strongest ways are written out below.</p></noscript>

            """
        );
}
