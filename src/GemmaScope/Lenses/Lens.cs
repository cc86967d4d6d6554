using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>
/// Reads the residual stream after a block as if it were the last: a map of it, then the model's own final norm, head and soft cap. The
/// output of the last block is the model's own prediction under every lens.
/// </summary>
public abstract class Lens : IDisposable
{
    /// <summary>logit, jacobian or tuned.</summary>
    public abstract string Kind { get; }

    /// <summary>Width of the residual stream it is for; null where any will do.</summary>
    public abstract int? Width { get; }

    /// <summary>Where it comes from: of which model, of how many prompts. Empty where it was fitted on nothing.</summary>
    public abstract LensOrigin Origin { get; }

    /// <summary>The last block it has a map for; null where it has one for any.</summary>
    internal abstract int? LastLayer { get; }

    /// <summary>Whether it has a map for a block's output.</summary>
    public abstract bool Has(int layer);

    /// <summary>Carries rows of the residual stream after a block to where the last block writes.</summary>
    /// <param name="layer">The block.</param>
    /// <param name="residual">[rows, d].</param>
    /// <param name="result">[rows, d], another place.</param>
    internal abstract void Carry(int layer, MatrixView residual, MatrixView result);

    /// <summary>The transpose of the map's linear part: ⟨vectors, Carry(h)⟩ for every h is ⟨result, h⟩, but for a constant.</summary>
    /// <param name="layer">The block.</param>
    /// <param name="vectors">[rows, d].</param>
    /// <param name="result">[rows, d], another place.</param>
    internal abstract void Back(int layer, MatrixView vectors, MatrixView result);

    /// <summary>The blocks before the last that it can read of a model.</summary>
    public IReadOnlyList<int> LayersOf(GemmaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Check(config);
        return [.. Enumerable.Range(0, config.Layers - 1).Where(Has)];
    }

    /// <summary>Refuses a model that it cannot be of.</summary>
    /// <exception cref="ArgumentProblemException">It is of another width, or has no layer of this model.</exception>
    public void Check(GemmaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (Width is { } width && width != config.Width)
            throw new ArgumentProblemException(
                $"is of a residual stream of {width} numbers, this model has {config.Width}; it is of another model",
                Origin.File ?? "lens"
            );
        // Some files have an identity for the last block, which is not used.
        if (LastLayer is { } last && last >= config.Layers)
            throw new ArgumentProblemException(
                $"has a map for layer {last}, this model's last is {config.Layers - 1}; it is of another model",
                Origin.File ?? "lens"
            );
    }

    /// <summary>
    /// The direction of the residual stream that the lens reads as a token: Mᵀ w with the token's row w of the unscaled head. Where the lens
    /// has no map for the block it is w itself.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="layer">After which block.</param>
    /// <param name="token">The token.</param>
    /// <param name="withGain">Whether w is multiplied by the gains of the final norm: then the product with h, over the norm of what the
    /// lens carries, is exactly the logit before the cap. Without, it is what the published programs write with.</param>
    public unsafe float[] Direction(GemmaModel model, int layer, int token, bool withGain = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        Check(model.Config);
        var row = model.HeadRow(token);
        if (withGain)
            System.Numerics.Tensors.TensorPrimitives.Multiply(row, model.FinalGain, row);
        if (!Has(layer))
            return row;
        var back = new float[row.Length];
        fixed (
            float* from = row,
                to = back
        )
            Back(layer, new(from, 1, row.Length, row.Length), new(to, 1, row.Length, row.Length));
        return back;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what it holds.</summary>
    protected virtual void Dispose(bool disposing) { }
}

/// <summary>The lens that changes nothing: every block is read as if it were the last (the logit lens).</summary>
public sealed class LogitLens : Lens
{
    internal const string Name = "logit";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override int? Width => null;

    internal override int? LastLayer => null;

    /// <inheritdoc/>
    public override LensOrigin Origin { get; } = new();

    /// <inheritdoc/>
    public override bool Has(int layer) => layer >= 0;

    internal override void Carry(int layer, MatrixView residual, MatrixView result) => Copy(residual, result);

    internal override void Back(int layer, MatrixView vectors, MatrixView result) => Copy(vectors, result);

    private static void Copy(MatrixView from, MatrixView to)
    {
        for (var row = 0; row < from.Rows; row++)
            from.Row(row).CopyTo(to.Row(row));
    }
}

/// <summary>What is known of how a lens was made.</summary>
public sealed record LensOrigin
{
    /// <summary>The file it was read from, or null.</summary>
    public string? File { get; init; }

    /// <summary>The model, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Prompts it is the mean of, or null.</summary>
    public int? Prompts { get; init; }

    /// <summary>Whatever else its file says, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
