using GemmaScope.Circuits;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Circuits;

/// <summary>Through which heads an edge came.</summary>
/// <param name="From">Where it begins: a feature, error or token.</param>
/// <param name="To">Where it ends: a feature, or as target the token of a logit.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Tokens">Or its tokens, BOS included.</param>
/// <param name="Top">Heads that are named, 0 to 100.</param>
internal sealed record EdgeRequest(EdgeEnd From, EdgeEnd To, string? Text = null, IReadOnlyList<int>? Tokens = null, int Top = 6)
{
    public const int MostHeads = 100;
}

/// <summary>One end of an edge.</summary>
/// <param name="Kind">feature, error, token or target.</param>
/// <param name="Layer">Layer of a feature or error.</param>
/// <param name="Position">Its position; of a target the one it is predicted at.</param>
/// <param name="Index">Index of a feature, id of a target's token.</param>
/// <param name="Over">Id of the token whose logit is subtracted; -1 for none.</param>
internal sealed record EdgeEnd(GraphNodeKind Kind, int Position, int Layer = -1, int Index = -1, int Over = -1);

/// <summary>An edge as the sum of the ways on which it came.</summary>
/// <param name="Weight">The edge.</param>
/// <param name="Direct">The part that passes no head.</param>
/// <param name="Error">How far the parts are from adding up to it.</param>
/// <param name="Heads">The heads that deliver most.</param>
/// <param name="OtherHeads">How many are left out.</param>
/// <param name="OtherLast">What those deliver together.</param>
internal sealed record EdgeAnswer(
    double Weight,
    double Direct,
    double Error,
    IReadOnlyList<EdgeHead> Heads,
    int OtherHeads,
    double OtherLast
);

/// <summary>Takes edges apart by attention heads.</summary>
/// <param name="circuits">The model.</param>
/// <param name="queue">Its queue.</param>
internal sealed class EdgeReader(CircuitModel circuits, ModelQueue queue)
{
    /// <summary>Reads an edge.</summary>
    /// <param name="request">The edge.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">An end is not in this prompt, or the prompt is none.</exception>
    public Task<EdgeAnswer> ReadAsync(EdgeRequest request, string source, CancellationToken cancellationToken)
    {
        if (request.Top is < 0 or > EdgeRequest.MostHeads)
            throw new ArgumentProblemException($"must be from 0 to {EdgeRequest.MostHeads}", "top");
        if (request.From.Kind == GraphNodeKind.Target)
            throw new ArgumentProblemException("is a target, and nothing follows one", "from");
        var words = circuits.Served.Model.Config.RealVocabulary;
        var target = request.To switch
        {
            { Kind: GraphNodeKind.Feature } to => CircuitTarget.Feature(to.Layer, to.Position, to.Index),
            { Kind: GraphNodeKind.Target } to when to.Index >= 0 && to.Index < words && to.Over < words => to.Over < 0
                ? CircuitTarget.Logit(to.Index, to.Position)
                : CircuitTarget.Difference(to.Index, to.Over, to.Position),
            _ => throw new ArgumentProblemException($"must be a feature, or a target whose index is a token from 0 to {words - 1}", "to"),
        };
        var tokens = PromptRequest.Tokens(circuits.Served, request.Text, request.Tokens);
        return queue.RunAsync(source, Read, cancellationToken);

        EdgeAnswer Read(CancellationToken turn)
        {
            var from = new GraphNode(request.From.Kind, request.From.Layer, request.From.Position, request.From.Index);
            var found = EdgeHeads.Of(circuits.Prompt(tokens, turn).Model, from, target, cancellationToken: turn);
            EdgeHead[] heads = [.. found.Heads.OrderByDescending(head => Math.Abs(head.Last))];
            var others = heads[Math.Min(request.Top, heads.Length)..];
            return new(
                found.Weight,
                found.Direct,
                found.Error,
                heads[..Math.Min(request.Top, heads.Length)],
                others.Length,
                others.Sum(head => head.Last)
            );
        }
    }
}
