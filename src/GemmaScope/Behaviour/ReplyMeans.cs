using System.Numerics.Tensors;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>A text of which some tokens count: a conversation and its last reply.</summary>
/// <param name="Ids">Token ids, BOS included.</param>
/// <param name="Start">The first token that counts.</param>
public sealed record ReadReply(int[] Ids, int Start)
{
    /// <summary>A prompt and what was replied.</summary>
    public static ReadReply Of(int[] prompt, int[] reply) => new([.. prompt, .. reply], prompt.Length);
}

/// <summary>
/// The mean of the residual stream over the tokens of replies, at the input of every layer but the first, and directions between kinds of
/// replies: the assistant axis and persona vectors are such (Chen et al. 2507.21509, Lu et al. 2601.10387; METHODS §6.5).
/// </summary>
public sealed class ReplyMeans
{
    private readonly float[][][] _rows;

    private ReplyMeans(float[][][] rows) => _rows = rows;

    /// <summary>The layers that are read, before each of them: 1 to the last. Before the first, nothing has been computed.</summary>
    public static IEnumerable<int> Layers(GemmaConfig config) => Enumerable.Range(1, config.Layers - 1);

    /// <summary>The means before a layer, one for each reply.</summary>
    public IReadOnlyList<float[]> this[int layer] => _rows[layer - 1];

    /// <summary>Reads replies.</summary>
    /// <param name="model">The model.</param>
    /// <param name="replies">The replies.</param>
    /// <param name="organism">What is done to each batch; null for nothing.</param>
    /// <param name="progress">Told how many are read.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A reply has no token, or the model has one layer alone.</exception>
    public static ReplyMeans Read(
        GemmaModel model,
        IReadOnlyList<ReadReply> replies,
        BatchEdits? organism = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (model.Config.Layers < 2)
            throw new ArgumentProblemException("has one layer; nothing lies between layers", "model");
        Site[] sites = [.. Layers(model.Config).Select(Site.ResidPre)];
        var readings = ResidualReadings.Read(
            model,
            [.. replies.Select(reply => reply.Ids)],
            [.. replies.Select(reply => (IReadOnlyList<Positions>)[new Positions(reply.Start, reply.Ids.Length)])],
            sites,
            edits: organism,
            progress: progress,
            cancellationToken: cancellationToken
        );
        return new([.. sites.Select(site => readings[site, 0].ToArray())]);
    }

    /// <summary>The mean of some rows minus the mean of others.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="positive">The replies of the one kind.</param>
    /// <param name="negative">Of the other.</param>
    /// <exception cref="ArgumentProblemException">There are none of a kind.</exception>
    public float[] Difference(int layer, IReadOnlyCollection<int> positive, IReadOnlyCollection<int> negative)
    {
        if (positive.Count == 0 || negative.Count == 0)
            throw new ArgumentProblemException("there are replies of one kind only; a direction tells two apart", "replies");
        var (one, other) = (Mean(positive), Mean(negative));
        return [.. one.Zip(other, (a, b) => (float)(a - b))];

        double[] Mean(IReadOnlyCollection<int> replies)
        {
            var sum = new double[_rows[0][0].Length];
            foreach (var reply in replies)
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += this[layer][reply][i] / (double)replies.Count;
            return sum;
        }
    }

    /// <summary>The projection of every reply on the unit vector of a direction.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="direction">The direction.</param>
    public double[] Projections(int layer, ReadOnlySpan<float> direction)
    {
        var norm = TensorPrimitives.Norm(direction);
        var found = new double[this[layer].Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = norm > 0 ? TensorPrimitives.Dot(this[layer][i], direction) / norm : 0;
        return found;
    }
}
