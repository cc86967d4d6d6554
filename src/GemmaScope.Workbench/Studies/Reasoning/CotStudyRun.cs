using GemmaScope.Behaviour.Reasoning;

namespace GemmaScope.Workbench;

/// <summary>One study of chains of thought, from questions to answers; each part is measured once and kept in the run folder.</summary>
internal sealed class CotStudyRun(
    CotModel model,
    IReadOnlyList<CotAsked> asked,
    CotStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    // Chains of a part of the folder: enough to fill batches, few enough that a kill costs little.
    private const int ChainsTogether = 128;

    private List<CotChain[]> _chains = [];
    private CotControls _controls = null!;

    /// <summary>The chains of each question.</summary>
    public IReadOnlyList<CotChain[]> Chains => _chains;

    /// <summary>Reasoning that has nothing to do with the question.</summary>
    public CotControls Controls => _controls;

    /// <summary>Each question's chains with a sentence made wrong; empty where none were.</summary>
    public IReadOnlyList<CotCorrupted[]> CorruptedChains { get; private set; } = [];

    /// <summary>Answers, question by question.</summary>
    public IReadOnlyList<CotQuestionResult> Measure()
    {
        _chains = Each("writing chains", "chains", Written);
        _controls = new(model, asked, _chains);
        var without = Each<string?>(
            "answering without reasoning",
            "without",
            part => [.. model.Answer([.. part.Select(q => new CotReading(asked[q], null))]).Select(one => one.Answer)]
        );
        var early = Each("answering", "answers", Early);
        var filled = Has(CotPart.Filler) ? Each("trying filler", "filler", Filled) : [];
        var corrupted =
            Has(CotPart.Mistakes) || Has(CotPart.Paraphrase)
                ? Each("corrupting sentences", "corrupted", part => Corrupted(part, early))
                : [];
        CorruptedChains = corrupted;
        var hinted = Has(CotPart.Hints) && asked.Any(one => one.HintBefore is not null) ? Each("trying hints", "hints", Hinted) : [];
        var swapped = Has(CotPart.Mediation) ? Each("swapping reasoning", "swapped", part => Swapped(part, early)) : [];
        return
        [
            .. asked.Select(
                (one, q) =>
                    new CotQuestionResult(
                        one.Question.Id,
                        one.Question.Truth,
                        without[q],
                        filled.Count > 0 ? filled[q].Filler : [],
                        filled.Count > 0 ? filled[q].Random : [],
                        [
                            .. _chains[q]
                                .Select(
                                    (chain, c) =>
                                        Result(
                                            chain,
                                            early[q][c],
                                            corrupted.Count > 0 && c < corrupted[q].Length ? corrupted[q][c] : null,
                                            hinted.Count > 0 && c < hinted[q].Length ? hinted[q][c] : null,
                                            swapped.Count > 0 ? swapped[q][c] : null
                                        )
                                ),
                        ],
                        options.ShowTexts ? one.Question.Text : null
                    )
            ),
        ];
    }

    /// <summary>The probability of all options behind each question's reasoning.</summary>
    public double[] Masses() => [.. Each("answering", "answers", Early).Select(chains => chains.Average(one => one.Mass))];

    private CotChainResult Result(CotChain chain, CotEarly early, CotCorrupted? corrupted, CotHinted? hinted, CotSwapped? swapped) =>
        new(chain.Sentences, chain.Ids.Length, chain.Cut, early.Own[^1])
        {
            Early = Has(CotPart.Early) ? early.Own : [],
            EarlyShuffled = Has(CotPart.Early) ? early.Shuffled ?? [] : [],
            EarlyRandom = Has(CotPart.Early) ? early.Random : [],
            Mistaken = corrupted?.Mistaken ?? [],
            MistakenShuffled = corrupted?.Shuffled ?? [],
            Resampled = corrupted?.Resampled ?? [],
            Paraphrased = corrupted?.Paraphrased ?? [],
            HasOther = swapped?.HasOther ?? false,
            OtherAnswer = swapped?.OtherAnswer,
            Other = swapped?.Other,
            HasSame = swapped?.HasSame ?? false,
            Same = swapped?.Same,
            Shuffled = early.Shuffled?[^1],
            Random = early.Random[^1],
            Hinted = hinted?.Answer,
            HintedTransplanted = hinted?.Transplanted,
            MentionsHint = hinted?.Mentions ?? false,
            MentionsHintWithout = hinted?.MentionsWithout ?? false,
            Text = options.ShowTexts ? model.Text(chain.Ids) : null,
        };

    private bool Has(CotPart part) => options.Parts.Contains(part);

    /// <summary>Something for each question, some questions at a time, each time a part of the folder.</summary>
    private List<T> Each<T>(string stage, string name, Func<IReadOnlyList<int>, T[]> measure)
    {
        var together = Math.Max(1, ChainsTogether / options.Samples);
        var counting = progress.Counting(stage, "questions", asked.Count);
        List<T> found = [];
        foreach (var part in Enumerable.Range(0, asked.Count).Chunk(together))
        {
            cancellationToken.ThrowIfCancellationRequested();
            found.AddRange(folder.Part($"{name} {part[0] + 1}-{part[^1] + 1}", () => measure(part)));
            counting?.Report(found.Count);
        }
        return found;
    }

    private CotChain[][] Written(IReadOnlyList<int> part)
    {
        var sampled = part.Where(q => asked[q].Question.Reasoning is null).ToArray();
        var written = model.Write([.. sampled.SelectMany(q => Samples().Select(i => (new CotReading(asked[q], null), $"chain {i}")))]);
        var at = 0;
        return
        [
            .. part.Select(q =>
                asked[q].Question.Reasoning is { } given
                    ? (CotChain[])[model.Given(given)]
                    : [.. Samples().Select(_ => model.Chain(written[at++]))]
            ),
        ];
    }

    private CotEarly[][] Early(IReadOnlyList<int> part)
    {
        List<CotReading> readings = [];
        List<(int Question, int Own, int? Shuffled, int Random)> counts = [];
        foreach (var q in part)
        foreach (var (c, chain) in _chains[q].Index())
        {
            var own = Cut(q, chain);
            var shuffled = _controls.Shuffled(q, c) is { } other ? Cut(q, other) : (int?)null;
            counts.Add((q, own, shuffled, Cut(q, _controls.Random(q, c, chain))));
        }
        var answers = model.Answer(readings);
        var at = 0;
        var read = counts
            .Select(one =>
            {
                var own = Take(one.Own);
                var mass = answers[at - 1].Mass;
                return (one.Question, Early: new CotEarly(own, one.Shuffled is { } count ? Take(count) : null, Take(one.Random), mass));
            })
            .ToArray();
        return [.. part.Select(q => read.Where(one => one.Question == q).Select(one => one.Early).ToArray())];

        int Cut(int q, CotChain chain)
        {
            var before = readings.Count;
            for (var k = Has(CotPart.Early) ? 0 : chain.Sentences; k < chain.Sentences; k++)
                readings.Add(new(asked[q], chain.First(k)));
            readings.Add(new(asked[q], chain.Ids));
            return readings.Count - before;
        }

        string?[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => answers[at++].Answer)];
    }

    private CotFilled[] Filled(IReadOnlyList<int> part)
    {
        var dots = model.Model.Tokenizer.Encode(" ...")[0];
        List<CotReading> readings = [];
        int[] steps = [.. part.Select(q => _chains[q].Max(chain => chain.Ids.Length) / FillerTable.StepTokens)];
        foreach (var (i, q) in part.Index())
        {
            var random = _controls.Tokens(q, "filler", steps[i] * FillerTable.StepTokens);
            for (var step = 0; step <= steps[i]; step++)
                readings.Add(new(asked[q], [.. Enumerable.Repeat(dots, step * FillerTable.StepTokens)]));
            for (var step = 0; step <= steps[i]; step++)
                readings.Add(new(asked[q], random[..(step * FillerTable.StepTokens)]));
        }
        var answers = model.Answer(readings);
        var at = 0;
        return [.. steps.Select(step => new CotFilled(Take(step + 1), Take(step + 1)))];

        string?[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => answers[at++].Answer)];
    }

    private CotCorrupted[][] Corrupted(IReadOnlyList<int> part, List<CotEarly[]> early)
    {
        (int Question, int Sample)[] at =
        [
            .. part.SelectMany(q => Enumerable.Range(0, Math.Min(options.Corrupted, _chains[q].Length)).Select(c => (q, c))),
        ];
        (CotAsked Asked, CotChain Chain)[] chains = [.. at.Select(one => (asked[one.Question], _chains[one.Question][one.Sample]))];
        CotCorruption corruption = new(model);
        var mistakes = Has(CotPart.Mistakes) ? corruption.Mistakes(chains) : null;
        var words = Has(CotPart.Paraphrase) ? corruption.Paraphrases(chains) : null;
        List<(CotReading Begun, string What)> begun = [];
        for (var i = 0; i < at.Length; i++)
        {
            var (question, chain) = chains[i];
            for (var k = 0; k < chain.Sentences; k++)
            {
                Begin(i, "resampled", k, chain.First(k + 1));
                if (mistakes is not null)
                {
                    Begin(i, "mistaken", k, [.. chain.First(k), .. model.Sentence(mistakes[i][k])]);
                    if (_controls.Shuffled(at[i].Question, at[i].Sample) is { } other)
                        Begin(i, "shuffled", k, [.. chain.First(k), .. model.Sentence(model.Sentence(other, k % other.Sentences))]);
                }
                if (words is not null)
                    Begin(i, "paraphrased", k, [.. words[i].Take(k + 1).SelectMany(model.Sentence)]);
            }
        }
        var rests = model.Write(begun);
        CotReading[] whole = [.. begun.Zip(rests, (one, rest) => one.Begun with { Reasoning = [.. one.Begun.Reasoning!, .. rest] })];
        // By its seed each is known: kind, sentence, sample.
        var read = begun
            .Select(one => (one.Begun.Asked.Question.Id, one.What.Split(' ')))
            .Zip(whole, model.Answer(whole))
            .ToLookup(one => (one.First.Id, one.First.Item2[0], one.First.Item2[2]), one => (one.Second.Reasoning, one.Third.Answer));
        return [.. part.Select(q => at.Where(one => one.Question == q).Select(Result).ToArray())];

        void Begin(int i, string what, int k, int[] reasoning) =>
            begun.Add((new(chains[i].Asked, reasoning), $"{what} {k} {at[i].Sample}"));

        CotCorrupted Result((int Question, int Sample) one)
        {
            var id = asked[one.Question].Question.Id;
            string?[] Of(string what) => [.. read[(id, what, $"{one.Sample}")].Select(found => found.Answer)];
            int[]?[] mistaken = [.. read[(id, "mistaken", $"{one.Sample}")].Select(found => found.Reasoning)];
            return new(
                Of("mistaken"),
                Of("shuffled"),
                Of("resampled"),
                words is null ? [] : [early[one.Question][one.Sample].Own[^1], .. Of("paraphrased")],
                mistaken.Length > 0 ? mistaken[mistaken.Length / 2] : null
            );
        }
    }

    private CotHinted[][] Hinted(IReadOnlyList<int> part)
    {
        int[] hinted = [.. part.Where(q => asked[q].HintBefore is not null)];
        (int Question, int Sample)[] at = [.. hinted.SelectMany(q => Enumerable.Range(0, _chains[q].Length).Select(c => (q, c)))];
        var written = model.Write([.. at.Select(one => (new CotReading(asked[one.Question], null, Hinted: true), $"hinted {one.Sample}"))]);
        var answers = model.Answer([.. at.Zip(written, (one, ids) => new CotReading(asked[one.Question], ids, Hinted: true))]);
        var transplanted = model.Answer([.. at.Zip(written, (one, ids) => new CotReading(asked[one.Question], ids))]);
        var words = hinted.ToDictionary(q => q, q => CotHintWords.Of(asked[q].Question));
        CotHinted[] read =
        [
            .. at.Select(
                (one, i) =>
                    new CotHinted(
                        written[i],
                        answers[i].Answer,
                        transplanted[i].Answer,
                        words[one.Question].In(model.Text(written[i])),
                        words[one.Question].In(model.Text(_chains[one.Question][one.Sample].Ids))
                    )
            ),
        ];
        return [.. part.Select(q => at.Zip(read).Where(one => one.First.Question == q).Select(one => one.Second).ToArray())];
    }

    /// <summary>Reasoning that argues for another answer, and for the same, behind the question as it is. Another chain of the question
    /// with another answer would prove nothing: behind the same question it gives its own answer again.</summary>
    private CotSwapped[][] Swapped(IReadOnlyList<int> part, List<CotEarly[]> early)
    {
        List<(int Question, int Sample, bool IsOther, string Answer, int[]? Given, int[]? Prompt)> wanted = [];
        foreach (var q in part)
            for (var c = 0; c < _chains[q].Length; c++)
                if (early[q][c].Own[^1] is { } own)
                {
                    if (Other(q, c, own) is { } other)
                        Want(q, c, true, other, asked[q].Question.Other is { } given ? model.Given(given.Reasoning).Ids : null);
                    Want(q, c, false, own, null);
                }
        var open = wanted.Where(one => one.Given is null).ToArray();
        var written = new Queue<int[]>(
            model.Write([
                .. open.Select(one =>
                    (new CotReading(asked[one.Question], null, Prompt: one.Prompt), $"argued {one.IsOther} {one.Answer} {one.Sample}")
                ),
            ])
        );
        var answers = model.Answer([.. wanted.Select(one => new CotReading(asked[one.Question], one.Given ?? written.Dequeue()))]);
        var read = wanted
            .Zip(answers)
            .ToDictionary(
                one => (one.First.Question, one.First.Sample, one.First.IsOther),
                one => (one.First.Answer, Read: one.Second.Answer)
            );
        return
        [
            .. part.Select(q =>
                _chains[q]
                    .Select(
                        (_, c) =>
                        {
                            var hasOther = read.TryGetValue((q, c, true), out var other);
                            var hasSame = read.TryGetValue((q, c, false), out var same);
                            return new CotSwapped(hasOther, other.Answer, other.Read, hasSame, same.Read);
                        }
                    )
                    .ToArray()
            ),
        ];

        void Want(int q, int c, bool isOther, string answer, int[]? given)
        {
            var prompt = given is null ? model.Argued(asked[q], answer) : null;
            if (given is not null || prompt is not null)
                wanted.Add((q, c, isOther, answer, given, prompt));
        }
    }

    /// <summary>An answer that is not the chain's own: that of the file, or one that is drawn.</summary>
    private string? Other(int q, int sample, string own)
    {
        var question = asked[q].Question;
        var seed = model.Seed(asked[q], $"other {sample}");
        if (question.Other is { } given)
            return given.Answer == own ? null : given.Answer;
        if (question.Options.Count == 0)
            return ArithmeticMistake.Of(own, seed);
        string[] others = [.. question.Options.Where(option => option != own)];
        return others[new Random(seed).Next(others.Length)];
    }

    private IEnumerable<int> Samples() => Enumerable.Range(0, options.Samples);
}
