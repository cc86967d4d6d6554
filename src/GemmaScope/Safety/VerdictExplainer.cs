using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>
/// Takes a verdict apart into features. Direct contributions follow METHODS §1.5 and the usual direct logit attribution: activation ·
/// ⟨decoder vector,
/// (1 + gain) ⊙ (row Yes − row No)⟩ / rms, with the final norm's rms frozen at its value in the run. What features do through later layers
/// is not in
/// them, so the strongest are also removed and the model is run again.
/// </summary>
public static class VerdictExplainer
{
    private const double PoorFvu = 0.5;

    /// <summary>Tokens in copies of caches at one time.</summary>
    private const int CachedTokens = 1 << 13;

    /// <summary>Explains the score of one policy.</summary>
    /// <param name="shield">The model.</param>
    /// <param name="dictionary">A dictionary of one site that writes to the residual stream: resid_pre, resid_mid, resid_post, attn_out or
    /// mlp_out.</param>
    /// <param name="question">A prepared text.</param>
    /// <param name="policy">Which of its policies, by number.</param>
    /// <param name="remove">How many of the strongest features are removed, one by one and together, to measure what they do.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">Dictionary and model do not fit together, or the dictionary writes elsewhere.</exception>
    public static VerdictExplanation Explain(
        ShieldGemma shield,
        SparseDictionary dictionary,
        ShieldQuestion question,
        int policy = 0,
        int remove = 5,
        CancellationToken cancellationToken = default
    )
    {
        Check(shield.Model, dictionary, remove);
        var (model, ids) = (shield.Model, question.Prompts[policy]);
        Site read = dictionary.InputSite,
            written = dictionary.OutputSite,
            last = new(SiteKind.ResidPost, model.Config.Layers - 1),
            raw = new(SiteKind.LogitsRaw);
        using var run = model.Run(
            ids,
            capture: ((Site[])[read, written, last, raw]).Distinct(),
            logits: LogitRows.Last,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );

        // [tokens, features] and [tokens, d].
        var features = dictionary.Encode(run, cancellationToken);
        using var reconstruction = dictionary.Decode(features, run[read].AsMatrix());
        var position = ids.Length - 1;
        var direction = model.LogitDirection(shield.YesId, shield.NoId);
        var residual = run[last].Row(position);
        // The direction per unit of what is written, with the norm's scale frozen; layers that end with a factor multiply it on the way.
        var scale =
            Factor(model, written)
            / Math.Sqrt(TensorPrimitives.SumOfSquares<float>(residual) / (double)residual.Length + model.Config.NormEpsilon);
        double Direct(ReadOnlySpan<float> vector) => TensorPrimitives.Dot(vector, direction) * scale;

        var decoder = new float[dictionary.OutputWidth];
        var active = new List<FeatureContribution>();
        for (var i = 0; i < features.L0(position); i++)
        {
            var (feature, activation) = (features.Indices(position)[i], features.Values(position)[i]);
            dictionary.Decoder(feature, decoder);
            active.Add(new(feature, activation, activation * Direct(decoder)));
        }
        active.Sort((a, b) => Math.Abs(b.Direct).CompareTo(Math.Abs(a.Direct)));

        var rawLogits = run[raw].Row(0);
        var logits = run.LastLogits();
        var total = active.Sum(feature => feature.Direct);
        var (reconstructed, value) = (Direct(reconstruction.Row(position)), Direct(run[written].Row(position)));
        var removed = Remove(shield, dictionary, ids, active[..Math.Min(remove, active.Count)], cancellationToken);
        var fvu = Fvu(model, run[written], reconstruction, ids);
        return new VerdictExplanation
        {
            Score = ShieldRun.Read(shield, logits, question.Policies[policy]),
            Dictionary = dictionary.Name,
            Site = $"{written}",
            Position = position,
            RawGap = (double)rawLogits[shield.YesId] - rawLogits[shield.NoId],
            Gap = (double)logits[shield.YesId] - logits[shield.NoId],
            Features = [.. active.Select((feature, i) => i < removed.Count - 1 ? feature with { Removed = removed[i] } : feature)],
            Bias = reconstructed - total,
            Error = value - reconstructed,
            RemovedTogether = removed.LastOrDefault(),
            Fvu = fvu,
            Warnings = [.. dictionary.Warnings, .. Belonging(model, dictionary, fvu)],
        };
    }

    /// <summary>
    /// What removing each feature does, and last all together. A removal touches the last position alone, so what precedes it is run once,
    /// and the
    /// last token once for each removal and once untouched, from copies of the cache.
    /// </summary>
    private static List<Removal> Remove(
        ShieldGemma shield,
        SparseDictionary dictionary,
        int[] ids,
        List<FeatureContribution> features,
        CancellationToken cancellationToken
    )
    {
        if (features.Count == 0)
            return [];
        using var begun = shield.Model.NewCache();
        shield
            .Model.Run(ids[..^1], cache: begun, logits: LogitRows.None, arithmetic: Arithmetic.Exact, cancellationToken: cancellationToken)
            .Dispose();
        FeatureContribution[][] sets =
        [
            [],
            .. features.Select(feature => (FeatureContribution[])[feature]),
            [.. features],
        ];
        // As many at a time as the memory of their caches allows.
        var without = sets.Chunk(Math.Max(1, CachedTokens / ids.Length))
            .SelectMany(chunk => Without(shield, dictionary, ids[^1..], begun, chunk, cancellationToken))
            .ToArray();
        return [.. without.Skip(1).Select(run => new Removal(without[0].RawGap - run.RawGap, run.Probability))];
    }

    /// <summary>The last token run once for each set of features, whose contributions are taken out.</summary>
    private static (double RawGap, float Probability)[] Without(
        ShieldGemma shield,
        SparseDictionary dictionary,
        int[] token,
        KvCache begun,
        FeatureContribution[][] sets,
        CancellationToken cancellationToken
    )
    {
        var caches = sets.Select(_ => begun.Fork(1)).ToArray();
        try
        {
            var decoder = new float[dictionary.OutputWidth];
            var edit = Edit.OfAllSequences(
                dictionary.OutputSite,
                rows =>
                {
                    foreach (var (row, set) in sets.Index())
                    foreach (var feature in set)
                    {
                        dictionary.Decoder(feature.Feature, decoder);
                        TensorPrimitives.MultiplyAdd(decoder, -feature.Activation, rows.Row(row), rows.Row(row));
                    }
                }
            );
            var raw = new Site(SiteKind.LogitsRaw);
            using var run = shield.Model.Run(
                [.. sets.Select(_ => token)],
                capture: [raw],
                edits: [edit],
                caches: caches,
                logits: LogitRows.Last,
                arithmetic: Arithmetic.Exact,
                cancellationToken: cancellationToken
            );
            return
            [
                .. Enumerable
                    .Range(0, sets.Length)
                    .Select(i =>
                        (
                            (double)run[raw].Row(i)[shield.YesId] - run[raw].Row(i)[shield.NoId],
                            ShieldGemma.Probability(run.LastLogits(i)[shield.YesId], run.LastLogits(i)[shield.NoId])
                        )
                    ),
            ];
        }
        finally
        {
            foreach (var cache in caches)
                cache.Dispose();
        }
    }

    /// <summary>What the ends of layers multiply that is written at a site, on the straight way to the final norm.</summary>
    private static double Factor(GemmaModel model, Site written) =>
        model
            .Weights.Layers.Skip(written.Layer!.Value + (written.Kind == SiteKind.ResidPost ? 1 : 0))
            .Aggregate(1.0, (factor, layer) => factor * (layer.Scalar ?? 1));

    private static double Fvu(GemmaModel model, Tensor target, Tensor reconstruction, int[] ids)
    {
        var sums = new ReconstructionSums(target.Columns);
        foreach (var (position, counts) in CountedPositions.Of(ids, model.Tokenizer).Index())
            if (counts)
                sums.Add(target.Row(position), reconstruction.Row(position));
        return sums.Fvu;
    }

    private static IEnumerable<string> Belonging(GemmaModel model, SparseDictionary dictionary, double fvu)
    {
        var (own, trained) = (model.Name.Split('/')[^1], dictionary.Origin.Model?.Split('/')[^1]);
        if (trained is null)
            yield return $"the dictionary does not say which model it was trained on; whether its features mean on {own} what they mean there is not known";
        else if (trained != own)
            yield return $"the dictionary was trained on {trained}, the model is {own}; its features may mean something else here";
        if (fvu > PoorFvu)
            yield return FormattableString.Invariant(
                $"the dictionary leaves {fvu:0%} of the variance of this prompt unexplained; look at the error's share before believing the features'"
            );
    }

    /// <summary>Whether a dictionary is of the kind that <see cref="Explain"/> takes.</summary>
    public static bool Explains(GemmaModel model, SparseDictionary dictionary) => Problem(model, dictionary) is null;

    private static void Check(GemmaModel model, SparseDictionary dictionary, int remove)
    {
        if (remove < 0)
            throw new ArgumentProblemException($"is {remove}; it must be 0 or more", "remove");
        if (Problem(model, dictionary) is { } problem)
            throw new ArgumentProblemException(problem, dictionary.Name);
    }

    private static string? Problem(GemmaModel model, SparseDictionary dictionary) =>
        dictionary is not { InputSites.Count: 1, OutputSites.Count: 1 } ? "reads or writes several sites; take one of a single site"
        : dictionary.OutputSite.Kind
            is not (SiteKind.ResidPre or SiteKind.ResidMid or SiteKind.ResidPost or SiteKind.AttnOut or SiteKind.MlpOut)
            ? $"writes to {dictionary.OutputSite}, from where no straight path leads to the logits; take one of the residual stream, attn_out or mlp_out"
        : !model.Config.Has(dictionary.InputSite)
        || dictionary.OutputWidth != model.Config.Width
        || dictionary.InputWidth != model.Config.SiteWidth(dictionary.InputSite)
            ? $"does not fit the model: it reads {dictionary.InputWidth} numbers at {dictionary.InputSite}"
        : null;
}
