using System.Text.Json;
using GemmaScope.Features;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Circuits;

/// <summary>Where the script draws a graph; nothing is seen of it before it has something to draw.</summary>
internal static class CircuitViewer
{
    /// <summary>The script and the style sheet of its pages.</summary>
    public const string Script = "circuits.js",
        Rules = "circuits.css";

    /// <summary>The places of all parts.</summary>
    /// <param name="graph">Where the graph is; null for one that the user opens.</param>
    /// <param name="circuits">The model, on which things can be tried.</param>
    public static Markup Render(string? graph, CircuitModel circuits) =>
        Markup.Of(
            $"""
            <p class="problem" id="circuit-problem" role="alert" hidden></p>
            {(graph is null ? Markup.Empty : Markup.Of($"<p class=\"note\" id=\"circuit-loading\" role=\"status\" hidden>The graph is being fetched …</p>\n"))}<section id="circuit" hidden{(
                graph is null ? Markup.Empty : Markup.Of($" data-graph=\"{graph}\"")
            )}{Tools(circuits)} aria-label="graph">
            <div class="choices">
            <label>prune <input type="range" id="pruning" min="0.05" max="1" step="0.05" value="1"> <output id="pruned" for="pruning"></output></label>
            <label id="density-choice" hidden>density <input type="range" id="density" min="-3" max="0" step="0.1" value="0"> <output id="dense" for="density"></output></label>
            <label>find <input type="search" id="seek" placeholder="a label, token or index"> <output id="sought" for="seek"></output></label>
            </div>
            <p class="choices note" id="kinds"><span class="legend">{Kind("feature", "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z")} feature {Kind("error", "M0-5 5 0 0 5-5 0Z")} unexplained {Kind("token", "M-5-5H5V5H-5Z")} token · <span class="more-of">raises</span> <span class="less-of">lowers</span></span> <output id="scores"></output></p>
            <p class="note one-line" id="pointed" aria-live="polite"></p>
            <div class="circuit-sides">
            <div id="graph" tabindex="0" role="application" aria-label="graph: arrows walk from node to node, Enter chooses one, p pins it"><div id="drawing"><canvas id="edges" aria-hidden="true"></canvas><canvas id="near" aria-hidden="true"></canvas><svg id="nodes" xmlns="http://www.w3.org/2000/svg"></svg></div></div>
            <div id="about" aria-live="polite"></div>
            </div>
            <section id="pinned" hidden aria-label="pinned nodes">
            <div class="headed"><h2>Pinned <small>drag one onto another to make them one; a double click or F2 renames</small></h2><span><button type="button" class="quiet" id="ungroup">ungroup</button> <button type="button" class="quiet" id="unpin">unpin all</button></span></div>
            <div id="canvas"><svg id="picture" xmlns="http://www.w3.org/2000/svg"></svg></div>
            </section>
            <section id="whatif" hidden aria-label="what if"></section>
            <section id="groups" hidden aria-label="supernodes"></section>
            <section id="attention" hidden aria-label="attention"></section>
            <p class="choices"><button type="button" class="quiet" id="save-json">save the graph as JSON</button> <button type="button" class="quiet" id="save-svg">the pinned nodes as SVG</button> <button type="button" class="quiet" id="save-png">as PNG</button></p>
            </section>
            <noscript><p class="note">The drawing, and trying what happens when features are turned off, need JavaScript; the strongest ways are written out below. Programs ask <code>/api/circuits/intervene</code>.</p></noscript>

            """
        );

    private static Markup Kind(string kind, string path) =>
        Markup.Of(
            $"<svg width=\"14\" height=\"14\" viewBox=\"-7 -7 14 14\" aria-hidden=\"true\"><path class=\"node {kind}\" d=\"{path}\"/></svg>"
        );

    /// <summary>What the script must know to try things on the model: a graph fits it where it is of this model and these
    /// transcoders.</summary>
    private static Markup Tools(CircuitModel circuits) =>
        circuits.HasTranscoders
            ? Markup.Of(
                $" data-intervene=\"/api/circuits/intervene\" data-group=\"/api/circuits/group\" data-attention=\"/api/circuits/attention\" data-edge=\"/api/circuits/edge\" data-model=\"{FeatureLinks.ModelName(circuits.Served.Name)}\" data-transcoders=\"{JsonSerializer.Serialize(circuits.Names)}\" data-layers=\"{circuits.Served.Model.Config.Layers}\" data-heads=\"{circuits.Served.Model.Config.Heads}\""
            )
            : Markup.Empty;
}
