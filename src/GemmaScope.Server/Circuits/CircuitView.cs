using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>The page of a graph. What a script draws is said in words as well: targets, the strongest ways to them, scores.</summary>
internal static class CircuitView
{
    /// <summary>Ways to a target that are written out.</summary>
    private const int Paths = 3;

    /// <summary>Targets that are written out.</summary>
    private const int Targets = 5;

    private const string Bos = "<bos>";

    /// <summary>One graph.</summary>
    /// <param name="name">Its name in addresses.</param>
    /// <param name="graph">The graph, or the first part of a large one.</param>
    /// <param name="whole">The large one, whose parts the script fetches; null for one that is sent as a whole.</param>
    /// <param name="embedded">Whether it stands in a frame of another page.</param>
    /// <param name="circuits">The model, on which things can be tried.</param>
    /// <param name="isOwn">Whether it may be renamed and taken away.</param>
    public static Page One(string name, GraphDocument graph, GraphFile? whole, bool embedded, CircuitModel circuits, bool isOwn) =>
        new PageFrame
        {
            Title = $"{Prompt(graph.Metadata.Prompt)} · circuit",
            Section = PageSection.Circuits,
            Path = [new PageStep("circuits", PageSection.Circuits.Address, null), new PageStep(name, null, null)],
            Embedded = embedded,
            Script = CircuitViewer.Script,
            Rules = CircuitViewer.Rules,
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{HtmlText.Visible(Prompt(graph.Metadata.Prompt))} <small>{HtmlText.Visible(
                    graph.Metadata.Scan
                )}</small></h1>
                {Figures(CircuitFigures.Of(graph, whole))}{CheckLine.Of(graph)}{CircuitViewer.Render(Address(name) + (whole is null ? ".json" : "/sub"), circuits)}{Words(graph)}{(
                    isOwn && !embedded ? Keeping(name) : Markup.Empty
                )}
                """
            )
        );

    /// <summary>A prompt for people: what every text begins with is not said.</summary>
    public static string Prompt(string prompt) =>
        prompt.StartsWith(Bos, StringComparison.Ordinal) && prompt.Length > Bos.Length ? prompt[Bos.Length..] : prompt;

    /// <summary>What can be done with a graph that was made here.</summary>
    private static Markup Keeping(string name) =>
        Markup.Of(
            $"""
            <details class="keeping"><summary>rename or delete this graph</summary>
            <form class="choices" action="{Address(
                name
            )}/rename" method="post"><label>name <input name="name" value="{name}" maxlength="100" required></label> <button class="quiet">rename</button></form>
            <form action="{Address(
                name
            )}/delete" method="post"><button class="quiet">delete this graph</button> <span class="note">Its file is deleted for good.</span></form>
            </details>

            """
        );

    /// <summary>Where a graph is.</summary>
    public static string Address(string name) => $"{PageSection.Circuits.Address}/{Uri.EscapeDataString(name)}";

    /// <summary>What tells how far the graph can be trusted.</summary>
    private static Markup Figures(CircuitFigures figures) =>
        Markup.Of(
            $"""
            <p class="strip-line"><b>{figures.Features:#,0}</b> features · <b>{figures.Errors:#,0}</b> errors · <b>{figures.Edges:#,0}</b> edges{(
                figures.Replacement is { } share ? Markup.Of($" · replacement <b>{share:0.000}</b> <span class=\"soft\">of the targets’ weight comes from tokens and not from errors</span>") : Markup.Empty
            )}{(figures.Completeness is { } whole ? Markup.Of($" · completeness <b>{whole:0.000}</b>") : Markup.Empty)}{(
                figures.IdentityError is { } largest ? Markup.Of($" · largest error of the sums <b>{largest:0.#e+0}</b>{(figures.Holds ? Markup.Empty : Markup.Of($" <span class=\"problem\">too large: this graph is not the whole computation</span>"))}") : Markup.Empty
            )}</p>

            """
        );

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
}
