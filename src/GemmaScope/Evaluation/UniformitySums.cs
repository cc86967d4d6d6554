namespace GemmaScope.Evaluation;

/// <summary>
/// Uniformity of the importance of active features (METHODS §2.5): y = f ⊙ (W_dec ∇_x L), p = |y| / Σ|y|, e^S(p) / ‖y‖₀ with S the
/// entropy in nats; 1 where all active features matter alike.
/// </summary>
public sealed class UniformitySums
{
    private double _sum;
    private long _rows;

    /// <summary>Rows in which some y is not 0.</summary>
    public long Rows => _rows;

    /// <summary>Mean over those rows.</summary>
    public double Mean => _sum / Rows;

    /// <summary>Adds one row.</summary>
    /// <param name="activations">f of the stored features.</param>
    /// <param name="gradients">W_dec ∇_x L of the same features.</param>
    public void Add(ReadOnlySpan<float> activations, ReadOnlySpan<float> gradients) => Add(OfRow(activations, gradients));

    /// <summary>Adds the value of one row; null counts nothing.</summary>
    internal void Add(double? row)
    {
        if (row is not { } value)
            return;
        _sum += value;
        _rows++;
    }

    /// <summary>The value of one row; null where every y is 0.</summary>
    /// <inheritdoc cref="Add(ReadOnlySpan{float}, ReadOnlySpan{float})"/>
    public static double? OfRow(ReadOnlySpan<float> activations, ReadOnlySpan<float> gradients)
    {
        double total = 0,
            weighted = 0;
        var count = 0;
        for (var i = 0; i < activations.Length; i++)
        {
            var y = Math.Abs((double)activations[i] * gradients[i]);
            if (y == 0)
                continue;
            total += y;
            weighted += y * Math.Log(y);
            count++;
        }
        // S(p) = log Σ − (Σ y log y) / Σ.
        return count == 0 ? null : Math.Exp(Math.Log(total) - weighted / total) / count;
    }

    /// <summary>Adds the sums of other rows.</summary>
    public void Merge(UniformitySums other) => (_sum, _rows) = (_sum + other._sum, _rows + other._rows);

    internal void Visit(SumsState state)
    {
        state.Count("rows", ref _rows);
        state.Number("sum", ref _sum);
    }
}
