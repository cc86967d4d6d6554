using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>Reads prompts: scores, projections and features from one pass, and replies as judges see them. Replies are judged and
/// forgotten.</summary>
internal sealed class JailbreakReader(
    GemmaModel model,
    IReadOnlyList<SparseDictionary> dictionaries,
    StoredDirection direction,
    int layer,
    int[] refusalTokens,
    JailbreakStudyJobOptions options,
    ShieldGemma? shield,
    CancellationToken cancellationToken
)
{
    // Captures of all layers take memory.
    private const int PromptsTogether = 8;

    private readonly float[] _unit = Array.ConvertAll(
        direction.Vector.ToArray(),
        value => (float)(value / ControlDirections.Norm(direction.Vector))
    );
    private readonly Site[] _layers = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.ResidPre)];

    /// <summary>The direction with length 1.</summary>
    public float[] Unit => _unit;

    /// <summary>Reads some prompts.</summary>
    public JailbreakFeatures[] Read(IReadOnlyList<AskedPrompt> prompts)
    {
        List<JailbreakFeatures> read = [];
        var replies = options.MaxTokens > 0 ? Replies(prompts) : null;
        var requests = shield is null ? null : Violations(prompts, null);
        var answers = shield is null || replies is null ? null : Violations(prompts, replies);
        foreach (var batch in prompts.Ids().Chunk(PromptsTogether))
        {
            using var run = model.Run(
                batch,
                capture: [.. _layers, .. dictionaries.Select(one => one.InputSite)],
                logits: LogitRows.Last,
                cancellationToken: cancellationToken
            );
            var features = dictionaries.Select(one => one.Encode(run, cancellationToken)).ToArray();
            for (var s = 0; s < batch.Length; s++)
            {
                var i = read.Count;
                var score = RefusalScore.Of(run.LastLogits(s), refusalTokens);
                var prompt = prompts[i].Tokens;
                var span = prompt.Spans[^1];
                var (start, count) = run.RowsOf(s);
                double Projection(int l, int position) => TensorPrimitives.Dot<float>(run[_layers[l]].Row(start + position), _unit);
                double[] Said(int l) =>
                    [.. Enumerable.Range(span.Start, Math.Max(1, span.End - span.Start)).Select(position => Projection(l, position))];
                double[][] said = [.. Enumerable.Range(0, _layers.Length).Select(Said)];
                read.Add(
                    new(
                        new(
                            score,
                            replies is null ? score > 0 : RefusalWords.IsRefusal(replies[i]),
                            replies is not null && string.IsNullOrWhiteSpace(replies[i]),
                            span.End - span.Start,
                            [.. Enumerable.Range(0, _layers.Length).Select(l => Projection(l, count - 1))],
                            [.. Enumerable.Range(span.End, count - span.End).Select(position => Projection(layer, position))],
                            [.. said.Select(values => values.Average())],
                            [.. said.Select(values => values.Max())],
                            requests?[i],
                            answers?[i]
                        ),
                        [.. features.Select(one => Largest(one, start + span.Start, start + count))]
                    )
                );
            }
        }
        return [.. read];
    }

    /// <summary>What the model replies.</summary>
    public string[] Replies(IReadOnlyList<AskedPrompt> prompts) =>
        [.. StudyReplies.Of(model, prompts, [], options.MaxTokens, cancellationToken).Select(reply => StudyReplies.Text(model, reply))];

    private static JailbreakActive Largest(SparseActivations features, int start, int end)
    {
        var largest = new SortedDictionary<int, float>();
        for (var row = start; row < end; row++)
        {
            var indices = features.Indices(row);
            var values = features.Values(row);
            for (var i = 0; i < indices.Length; i++)
                if (values[i] > largest.GetValueOrDefault(indices[i]))
                    largest[indices[i]] = values[i];
        }
        return new([.. largest.Keys], [.. largest.Values]);
    }

    private double[] Violations(IReadOnlyList<AskedPrompt> prompts, string[]? replies)
    {
        var asked = new ShieldOptions { Truncation = ShieldTruncation.KeepStart, Hardened = true };
        ShieldQuestion[] questions =
        [
            .. prompts.Select((one, i) => shield!.Prepare(one.Prompt.Text, replies?[i], ShieldPolicy.Official, asked)),
        ];
        return [.. shield!.Score(questions, cancellationToken).Select(verdict => (double)verdict.Probability)];
    }
}
