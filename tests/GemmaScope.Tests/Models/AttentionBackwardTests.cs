using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Numerics;
using Xunit;
using static GemmaScope.Tests.Numerics.CentralDifferences;

namespace GemmaScope.Tests.Models;

/// <summary>Grouped-query attention with a sliding window and a cap, against central differences of the same written in f64.</summary>
public class AttentionBackwardTests
{
    private const int Tokens = 6,
        Heads = 4,
        Groups = 2,
        Size = 4,
        Window = 3;
    private const double Cap = 2,
        QueryScale = 0.7;

    private readonly Random _random = new(9);

    [Fact]
    public void gradients_of_queries_keys_and_values_match_central_differences()
    {
        var (q, k, v) = (
            Values(_random, Tokens * Heads * Size, 2),
            Values(_random, Tokens * Groups * Size, 2),
            Values(_random, Tokens * Groups * Size)
        );
        var weights = Values(_random, Tokens * Heads * Size);
        using var dz = Tensor.From(Single(weights), Tokens, Heads * Size);
        using var capped = Tensor.From(Single(Capped(q, k)), Heads * Tokens, Tokens);
        using var pattern = Tensor.From(Single(Pattern(q, k)), Heads * Tokens, Tokens);
        var config = GemmaConfig.Load(Fixtures.Path("host", "gemma2-f32-smallcaps")) with
        {
            Heads = Heads,
            Shapes = LayerShape.Alike([true], Size, Groups, 1),
            QueryPreAttentionScalar = 1 / (QueryScale * QueryScale),
        };
        using var scores = Tensor.Zeros(Heads * Tokens, Tokens);
        using var dq = Tensor.Zeros(Tokens, Heads * Size);
        using var dk = Tensor.Zeros(Tokens, Groups * Size);
        using var dv = Tensor.Zeros(Tokens, Groups * Size);

        var backward = new AttentionBackward(config, 0, pattern.AsMatrix());
        backward.Values(dz.AsMatrix(), dv.AsMatrix());
        backward.Pattern(dz.AsMatrix(), Matrix(v, Tokens).AsMatrix(), scores.AsMatrix());
        backward.SoftMax(scores.AsMatrix());
        for (var row = 0; row < scores.Rows; row++)
            ElementwiseBackward.SoftCap(capped.Row(row), (float)Cap, scores.Row(row));
        backward.QueriesAndKeys(
            scores.AsMatrix(),
            Matrix(q, Tokens).AsMatrix(),
            Matrix(k, Tokens).AsMatrix(),
            dq.AsMatrix(),
            dk.AsMatrix()
        );

        AssertClose(Gradient(x => Value(q, k, x), v), dv.AsSpan());
        AssertClose(Gradient(x => Value(x, k, v), q), dq.AsSpan());
        AssertClose(Gradient(x => Value(q, x, v), k), dk.AsSpan());

        double Value(double[] queries, double[] keys, double[] values)
        {
            var (p, sum) = (Pattern(queries, keys), 0.0);
            for (var h = 0; h < Heads; h++)
            for (var t = 0; t < Tokens; t++)
            for (var s = 0; s < Tokens; s++)
            for (var j = 0; j < Size; j++)
                sum += weights[(t * Heads + h) * Size + j] * p[(h * Tokens + t) * Tokens + s] * values[(s * Groups + Group(h)) * Size + j];
            return sum;
        }
    }

    private static Tensor Matrix(double[] values, int rows) => Tensor.From(Single(values), rows, values.Length / rows);

    private static int Group(int head) => head / (Heads / Groups);

    /// <summary>[heads · queries, keys] before the mask.</summary>
    private static double[] Capped(double[] q, double[] k)
    {
        var scores = new double[Heads * Tokens * Tokens];
        for (var h = 0; h < Heads; h++)
        for (var t = 0; t < Tokens; t++)
        for (var s = 0; s < Tokens; s++)
        {
            var dot = Enumerable.Range(0, Size).Sum(j => q[(t * Heads + h) * Size + j] * k[(s * Groups + Group(h)) * Size + j]);
            scores[(h * Tokens + t) * Tokens + s] = Cap * Math.Tanh(QueryScale * dot / Cap);
        }
        return scores;
    }

    private static double[] Pattern(double[] q, double[] k)
    {
        var pattern = Capped(q, k);
        for (var row = 0; row < Heads * Tokens; row++)
        {
            var t = row % Tokens;
            var exponentials = Enumerable
                .Range(0, Tokens)
                .Select(s => s <= t && s > t - Window ? Math.Exp(pattern[row * Tokens + s]) : 0)
                .ToArray();
            for (var s = 0; s < Tokens; s++)
                pattern[row * Tokens + s] = exponentials[s] / exponentials.Sum();
        }
        return pattern;
    }
}
