using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>
/// Where the gradients of a batch of targets live at one stage of the backward pass: of each target a run of positions, one after another
/// in a matrix of gradients. A feature's gradient begins at one position and spreads to the earlier ones that attention sees.
/// </summary>
internal sealed class RowLayout
{
    private readonly int[] _first,
        _end,
        _offset;

    /// <summary>Positions of one piece of parallel work.</summary>
    private const int PieceLength = 64;

    private RowLayout(int[] first, int[] end)
    {
        (_first, _end, _offset) = (first, end, new int[first.Length + 1]);
        for (var target = 0; target < first.Length; target++)
            _offset[target + 1] = checked(_offset[target] + end[target] - first[target]);
        var pieces = new List<Piece>();
        for (var target = 0; target < first.Length; target++)
        for (var start = first[target]; start < end[target]; start += PieceLength)
            pieces.Add(new(target, start, Math.Min(start + PieceLength, end[target])));
        Pieces = [.. pieces];
    }

    /// <summary>A run of positions of a target.</summary>
    public readonly record struct Piece(int Target, int First, int End);

    /// <summary>All rows, cut for parallel work.</summary>
    public Piece[] Pieces { get; }

    /// <summary>Number of targets.</summary>
    public int Targets => _first.Length;

    /// <summary>Rows of the matrix.</summary>
    public int Rows => _offset[^1];

    /// <summary>First position of a target.</summary>
    public int First(int target) => _first[target];

    /// <summary>One past its last position.</summary>
    public int End(int target) => _end[target];

    /// <summary>Row of its first position.</summary>
    public int Offset(int target) => _offset[target];

    /// <summary>Row of a target and position.</summary>
    public int Row(int target, int position) => _offset[target] + position - _first[target];

    /// <summary>Whether a target's gradient lives at a position.</summary>
    public bool Holds(int target, int position) => position >= _first[target] && position < _end[target];

    /// <summary>
    /// The layouts of a whole pass: entry layer + 1 from the residual after a layer down to its attention's output, entry 0 at the
    /// embedding.
    /// </summary>
    /// <param name="model">The prompt.</param>
    /// <param name="targets">The targets.</param>
    /// <param name="throughAttention">Whether gradients spread over positions.</param>
    public static RowLayout[] Plan(ReplacementModel model, IReadOnlyList<RowTarget> targets, bool throughAttention = true)
    {
        var layers = model.Layers;
        var plan = new RowLayout[layers + 1];
        var (first, end) = (new int[targets.Count], new int[targets.Count]);
        for (var stage = layers; stage >= 0; stage--)
        {
            for (var target = 0; target < targets.Count; target++)
            {
                if (throughAttention && stage < layers && end[target] > first[target])
                    first[target] = model.Frozen.Pattern(stage).FirstKey(first[target]);
                foreach (var injection in targets[target].Injections)
                    if (Stage(injection.Site, layers) == stage)
                        (first[target], end[target]) =
                            end[target] > first[target]
                                ? (Math.Min(first[target], injection.Position), Math.Max(end[target], injection.Position + 1))
                                : (injection.Position, injection.Position + 1);
            }
            plan[stage] = new([.. first], [.. end]);
        }
        return plan;
    }

    /// <summary>The stage at which a site's gradient enters: 0 at the embedding, layer + 1 after a layer's attention.</summary>
    private static int Stage(Site site, int layers) =>
        site.Layer is not { } layer
            ? site.Kind == SiteKind.Embed
                ? 0
                : layers
            : site.Kind is SiteKind.ResidPre or SiteKind.Ln1Normalized or SiteKind.AttnIn
                ? layer
                : layer + 1;
}
