using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>How the residual stream is changed along a lens's directions. d is the sum of the tokens' unit directions, v a direction as it
/// is.</summary>
public enum LensEditKind
{
    /// <summary>h + clip(s ‖h‖ d), the added vector no longer than h (Neuronpedia).</summary>
    Steer,

    /// <summary>h + s v (the paper's steering).</summary>
    Add,

    /// <summary>h − ⟨h, u⟩ u with u = d / ‖d‖: several tokens are one direction, not their span (Neuronpedia).</summary>
    Ablate,

    /// <summary>h + ⟨h, a⟩ (b − a) with the unit directions a of the token, b of the other (Neuronpedia).</summary>
    SwapProjection,

    /// <summary>The coordinates of h in the two directions change places, times s; read anew at each layer (the paper's swap). At several
    /// layers it undoes itself.</summary>
    SwapCoordinates,

    /// <summary>The coordinates are set to the swapped ones of the run without edits, at each layer.</summary>
    SwapClamped,

    /// <summary>The directions of the tokens that the lens reads loudest are projected out, position by position; what the model itself
    /// finds likeliest stays (the paper's ablation of the workspace).</summary>
    AblateTop,
}

/// <summary>A change through a lens.</summary>
public sealed record LensEdit
{
    /// <summary>How.</summary>
    public required LensEditKind Kind { get; init; }

    /// <summary>The tokens; a swap has one. None for <see cref="LensEditKind.AblateTop"/>.</summary>
    public IReadOnlyList<int> Tokens { get; init; } = [];

    /// <summary>What a swap puts in its place.</summary>
    public int? Other { get; init; }

    /// <summary>s.</summary>
    public double Strength { get; init; } = 1;

    /// <summary>After which blocks.</summary>
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>At which positions of the prompt; null for all but BOS.</summary>
    public IReadOnlyList<int>? Positions { get; init; }

    /// <summary>Whether tokens that are written after the prompt are changed too.</summary>
    public bool Generated { get; init; }

    /// <summary>Whether directions carry the gains of the final norm.</summary>
    public bool WithGain { get; init; }

    /// <summary>How many directions <see cref="LensEditKind.AblateTop"/> takes out, and how many of the model's likeliest tokens it
    /// spares.</summary>
    public int Count { get; init; } = 10;
}

/// <summary>Makes edits of runs of changes through a lens.</summary>
public static class LensEdits
{
    /// <summary>The kinds by their names in commands and pages.</summary>
    public static IReadOnlyDictionary<string, LensEditKind> Kinds { get; } =
        new Dictionary<string, LensEditKind>
        {
            ["steer"] = LensEditKind.Steer,
            ["add"] = LensEditKind.Add,
            ["ablate"] = LensEditKind.Ablate,
            ["swap"] = LensEditKind.SwapClamped,
            ["swap-live"] = LensEditKind.SwapCoordinates,
            ["swap-projection"] = LensEditKind.SwapProjection,
            ["ablate-top"] = LensEditKind.AblateTop,
        };

    /// <summary>Whether a kind puts one token in place of another.</summary>
    public static bool IsSwap(LensEditKind kind) =>
        kind is LensEditKind.SwapClamped or LensEditKind.SwapCoordinates or LensEditKind.SwapProjection;

    /// <summary>The edits of runs of a prompt and what follows it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="lens">The lens; where it has no map for a block, the tokens' own rows of the head are the directions.</param>
    /// <param name="edit">What is changed.</param>
    /// <param name="prompt">Token ids, BOS included. Positions that hold BOS stay as they are.</param>
    /// <param name="cancellationToken">Stops the clean run that clamped swaps need.</param>
    /// <exception cref="ArgumentProblemException">A layer, position or token that the model does not have, or too few tokens.</exception>
    public static IReadOnlyList<Edit> Of(
        GemmaModel model,
        Lens lens,
        LensEdit edit,
        int[] prompt,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(edit);
        ArgumentNullException.ThrowIfNull(prompt);
        lens.Check(model.Config);
        Check(model, edit, prompt);
        var wanted = Wanted(model, edit, prompt);
        int[] layers = [.. edit.Layers.Distinct().Order()];
        return edit.Kind switch
        {
            LensEditKind.SwapClamped => Clamped(model, lens, edit, layers, prompt, wanted, cancellationToken),
            LensEditKind.AblateTop => Top(model, lens, edit, layers, prompt, wanted, cancellationToken),
            _ => [.. layers.Select(layer => Each(layer, wanted, Change(model, lens, edit, layer)))],
        };
    }

    private delegate void RowChange(Span<float> row, int position);

    private static Edit Each(int layer, Func<int, bool> wanted, RowChange change) =>
        Edit.Function(
            Site.ResidPost(layer),
            (rows, first) =>
            {
                for (var row = 0; row < rows.Rows; row++)
                    if (wanted(first + row))
                        change(rows.Row(row), first + row);
            }
        );

    private static Func<int, bool> Wanted(GemmaModel model, LensEdit edit, int[] prompt)
    {
        var chosen = edit.Positions?.ToHashSet();
        return position =>
            position >= prompt.Length
                ? edit.Generated
                : prompt[position] != model.Config.BosId && (chosen is null || chosen.Contains(position));
    }

    private static RowChange Change(GemmaModel model, Lens lens, LensEdit edit, int layer)
    {
        var strength = (float)edit.Strength;
        float[][] directions = [.. edit.Tokens.Select(token => lens.Direction(model, layer, token, edit.WithGain))];
        switch (edit.Kind)
        {
            case LensEditKind.Steer:
            {
                var sum = Sum(directions.Select(Unit));
                var length = TensorPrimitives.Norm<float>(sum);
                return (row, _) =>
                {
                    var norm = TensorPrimitives.Norm<float>(row);
                    var scale = strength * norm;
                    if (Math.Abs(strength) * length > 1)
                        scale = Math.Sign(strength) * norm / length;
                    TensorPrimitives.MultiplyAdd(sum, scale, row, row);
                };
            }
            case LensEditKind.Add:
            {
                var sum = Sum(directions);
                return (row, _) => TensorPrimitives.MultiplyAdd(sum, strength, row, row);
            }
            case LensEditKind.Ablate:
            {
                var unit = Unit(Sum(directions.Select(Unit)));
                return (row, _) => TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot<float>(row, unit), row, row);
            }
            case LensEditKind.SwapProjection:
            {
                var (source, target) = (Unit(directions[0]), Unit(lens.Direction(model, layer, edit.Other!.Value, edit.WithGain)));
                var step = new float[source.Length];
                TensorPrimitives.Subtract(target, source, step);
                return (row, _) => TensorPrimitives.MultiplyAdd(step, TensorPrimitives.Dot<float>(row, source), row, row);
            }
            default:
            {
                var pair = new LensPair(directions[0], lens.Direction(model, layer, edit.Other!.Value, edit.WithGain));
                return (row, _) =>
                {
                    var (source, target) = pair.Coordinates(row);
                    pair.Add(row, edit.Strength * (target - source), edit.Strength * (source - target));
                };
            }
        }
    }

    /// <summary>The coordinates of the run without edits decide, so that the layers of a band do not undo each other.</summary>
    private static Edit[] Clamped(
        GemmaModel model,
        Lens lens,
        LensEdit edit,
        int[] layers,
        int[] prompt,
        Func<int, bool> wanted,
        CancellationToken cancellationToken
    )
    {
        using var clean = model.Run(prompt, capture: layers.Select(Site.ResidPost), cancellationToken: cancellationToken);
        return [.. layers.Select(layer => Of(layer, clean[Site.ResidPost(layer)]))];

        Edit Of(int layer, Tensor residual)
        {
            var pair = new LensPair(
                lens.Direction(model, layer, edit.Tokens[0], edit.WithGain),
                lens.Direction(model, layer, edit.Other!.Value, edit.WithGain)
            );
            var goals = Enumerable
                .Range(0, prompt.Length)
                .Select(position =>
                {
                    var (source, target) = pair.Coordinates(residual.Row(position));
                    return (source + edit.Strength * (target - source), target + edit.Strength * (source - target));
                })
                .ToArray();
            return Each(
                layer,
                wanted,
                (row, position) =>
                {
                    var (source, target) = pair.Coordinates(row);
                    // What is written after the prompt has no run without edits: it is swapped as it stands.
                    var (one, two) =
                        position < goals.Length
                            ? goals[position]
                            : (source + edit.Strength * (target - source), target + edit.Strength * (source - target));
                    pair.Add(row, one - source, two - target);
                }
            );
        }
    }

    private static unsafe Edit[] Top(
        GemmaModel model,
        Lens lens,
        LensEdit edit,
        int[] layers,
        int[] prompt,
        Func<int, bool> wanted,
        CancellationToken cancellationToken
    )
    {
        using var clean = model.Run(prompt, logits: LogitRows.All, cancellationToken: cancellationToken);
        HashSet<int>[] spared =
        [
            .. Enumerable
                .Range(0, prompt.Length)
                .Select(position => Largest(clean.Logits!.Row(position)[..model.Config.RealVocabulary], edit.Count)),
        ];
        return [.. layers.Select(layer => Each(layer, wanted, (row, position) => Change(row, layer, position)))];

        void Change(Span<float> row, int layer, int position)
        {
            float[] carried = new float[row.Length],
                logits = new float[model.Config.VocabularyRows];
            fixed (
                float* from = row,
                    to = carried,
                    scores = logits
            )
            {
                MatrixView read = new(to, 1, carried.Length, carried.Length);
                if (lens.Has(layer))
                    lens.Carry(layer, new(from, 1, row.Length, row.Length), read);
                else
                    row.CopyTo(carried);
                if (edit.WithGain)
                    model.ApplyFinalGain(read);
                model.DirectLogits(read, new(scores, 1, logits.Length, logits.Length));
            }
            var kept = position < spared.Length ? spared[position] : [];
            var loudest = Largest(logits.AsSpan(0, model.Config.RealVocabulary), edit.Count + kept.Count)
                .Where(token => !kept.Contains(token))
                .Take(edit.Count);
            var basis = OrthonormalBasis.Of([
                .. loudest.Select(token => (ReadOnlyMemory<float>)lens.Direction(model, layer, token, edit.WithGain)),
            ]);
            foreach (var unit in basis)
                TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot<float>(row, unit), row, row);
        }
    }

    private static HashSet<int> Largest(ReadOnlySpan<float> values, int count)
    {
        var found = new HashSet<int>();
        foreach (var key in new TopTokens().Select(values, count))
            found.Add(TopTokens.Id(key));
        return found;
    }

    private static void Check(GemmaModel model, LensEdit edit, int[] prompt)
    {
        if (edit.Layers.Count == 0 || edit.Layers.Any(layer => layer < 0 || layer >= model.Config.Layers))
            throw new ArgumentProblemException($"must be from 0 to {model.Config.Layers - 1}", new Setting(nameof(LensEdit.Layers)));
        if (edit.Kind != LensEditKind.AblateTop && edit.Tokens.Count == 0)
            throw new ArgumentProblemException("name the token to write with", new Setting(nameof(LensEdit.Tokens)));
        if (IsSwap(edit.Kind) && (edit.Tokens.Count != 1 || edit.Other is null || edit.Other == edit.Tokens[0]))
            throw new ArgumentProblemException("a swap is of one token and another", new Setting(nameof(LensEdit.Other)));
        if (!double.IsFinite(edit.Strength))
            throw new ArgumentProblemException("must be finite", new Setting(nameof(LensEdit.Strength)));
        if (edit.Count < 1)
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(LensEdit.Count)));
        if (edit.Positions?.Any(position => position < 0 || position >= prompt.Length) == true)
            throw new ArgumentProblemException(
                $"must be from 0 to {prompt.Length - 1}, the prompt's",
                new Setting(nameof(LensEdit.Positions))
            );
    }

    private static float[] Sum(IEnumerable<float[]> vectors)
    {
        float[]? sum = null;
        foreach (var vector in vectors)
        {
            sum ??= new float[vector.Length];
            TensorPrimitives.Add(sum, vector, sum);
        }
        return sum!;
    }

    private static float[] Unit(float[] vector)
    {
        var unit = new float[vector.Length];
        var norm = TensorPrimitives.Norm<float>(vector);
        if (norm > 0)
            TensorPrimitives.Divide(vector, norm, unit);
        return unit;
    }
}

/// <summary>Two directions, and the coordinates of vectors in them: pinv([a b]) h.</summary>
internal sealed class LensPair
{
    private readonly float[] _a,
        _b;
    private readonly double _aa,
        _ab,
        _bb,
        _determinant;

    public LensPair(float[] a, float[] b)
    {
        (_a, _b, _aa, _ab, _bb) = (a, b, Dot(a, a), Dot(a, b), Dot(b, b));
        _determinant = _aa * _bb - _ab * _ab;
        if (!(_determinant > 1e-9 * _aa * _bb))
            throw new ArgumentProblemException(
                "the two tokens have the same direction here; there is nothing to swap",
                new Setting(nameof(LensEdit.Other))
            );
    }

    /// <summary>(AᵀA)⁻¹ Aᵀ h with A = [a b].</summary>
    public (double A, double B) Coordinates(ReadOnlySpan<float> h)
    {
        var (a, b) = (Dot(_a, h), Dot(_b, h));
        return ((_bb * a - _ab * b) / _determinant, (_aa * b - _ab * a) / _determinant);
    }

    /// <summary>h += x a + y b.</summary>
    public void Add(Span<float> h, double x, double y)
    {
        TensorPrimitives.MultiplyAdd(_a, (float)x, h, h);
        TensorPrimitives.MultiplyAdd(_b, (float)y, h, h);
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
