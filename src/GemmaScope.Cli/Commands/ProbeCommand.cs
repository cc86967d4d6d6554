using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>k-sparse probing with its baselines, on labelled texts.</summary>
internal sealed class ProbeCommand : GemmaScopeCommand
{
    private readonly Argument<string[]> _data;
    private readonly MicroscopeArguments _laboratory;
    private readonly Option<int[]> _sizes;
    private readonly Option<int> _seed,
        _context,
        _train,
        _test;
    private readonly Option<bool> _json;

    public ProbeCommand()
        : base(
            "probe",
            "Tell classes of texts apart by a few features (k-sparse probing), beside a dense probe and other baselines.",
            "gemmascope probe facts_true_false.csv",
            "gemmascope probe emotion-anger.json emotion-fear.json emotion-happiness.json emotion-sadness.json --json",
            "gemmascope probe traits.jsonl.gz --sae demo-sae -k 1 -k 10 --seed 7"
        )
    {
        _data = Add(
            new Argument<string[]>("data")
            {
                Description =
                    "Labelled texts: .csv (prompt or text, target or label), .jsonl (text, label), or .json lists of texts, one file a class.",
                Arity = ArgumentArity.OneOrMore,
            }
        );
        _laboratory = new MicroscopeArguments(this, DictionaryUse.Many);
        _sizes = Add(
            new Option<int[]>("--latents", "-k")
            {
                Description = "Latents of a probe; may be repeated.",
                HelpName = "K",
                DefaultValueFactory = _ => [.. Defaults.Sizes],
            }
        );
        _seed = Add(new Option<int>("--seed") { Description = "Decides which rows are tested.", HelpName = "N" });
        _context = Add(
            new Option<int>("--context")
            {
                Description = "Tokens of a text at most, BOS included; the beginning is kept.",
                HelpName = "N",
                DefaultValueFactory = _ => 128,
            }
        );
        _train = Add(
            new Option<int>("--train")
            {
                Description = "Training rows of a set at most.",
                HelpName = "N",
                DefaultValueFactory = _ => 4000,
            }
        );
        _test = Add(
            new Option<int>("--test")
            {
                Description = "Test rows of a set at most.",
                HelpName = "N",
                DefaultValueFactory = _ => 1000,
            }
        );
        _json = Add(CommonOptions.Json());
    }

    private static ProbeEvaluationOptions Defaults { get; } = new();

    public override int Run(ParseResult arguments, Session session)
    {
        foreach (var option in (Option<int>[])[_train, _test])
            if (arguments.GetValue(option) < 2)
                throw new ArgumentProblemException("must be at least 2, one of each class", option.Name);
        if (arguments.GetValue(_context) < 2)
            throw new ArgumentProblemException("must be at least 2: BOS and a token", "--context");
        if (arguments.GetValue(_sizes)!.Any(k => k < 1))
            throw new ArgumentProblemException("must be at least 1", "--latents");
        var sets = LabelledSet.Load(arguments.GetValue(_data)!);
        using var laboratory = _laboratory.Open(arguments, session);
        var texts = sets.Select(set => Part(set, arguments)).ToArray();
        var tokens = texts
            .SelectMany(set => set.Rows)
            .Select(row => TokenText.Of(laboratory.Model.Tokenizer, row.Text, arguments.GetValue(_context)))
            .ToArray();
        var read = Watching.Watch(
            session,
            "texts",
            tokens.Length,
            progress =>
                PooledTexts.Read(laboratory.Model, laboratory.Dictionaries, tokens, FeaturePooling.Mean, progress, session.Cancellation)
        );
        var tasks = texts.Sum(set => set.Positives.Count);
        var results = Watching.Watch(
            session,
            "tasks",
            tasks,
            progress => Results(texts, read, arguments, progress, session.Cancellation).ToArray()
        );
        var view = new ProbeView(laboratory, results, texts.Select(set => set.LeftOut).Sum(), arguments.GetValue(_seed));
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => ProbeOutput.Write(json, view));
        else
            ProbeOutput.Write(session.Terminal, view);
        return Application.Success;
    }

    /// <summary>The rows of a set that are used: training rows, test rows, rows of another source.</summary>
    private sealed record Used(LabelledSet Set, IReadOnlyList<LabelledText> Rows, int Train, int Test)
    {
        /// <summary>What is told from the rest: each class, or of two one.</summary>
        public IReadOnlyList<string> Positives { get; } =
            Set.Classes.Count > 2 ? Set.Classes : [Set.Classes.Contains("positive") ? "positive" : Set.Classes[1]];

        public int LeftOut => Set.LeftOut;
    }

    private Used Part(LabelledSet set, ParseResult arguments)
    {
        var split = LabelledSplit.Of(
            [.. set.Rows.Select(row => row.Label)],
            arguments.GetValue(_seed),
            arguments.GetValue(_train),
            arguments.GetValue(_test)
        );
        foreach (var side in (IReadOnlyList<int>[])[split.Train, split.Test])
            if (side.Select(row => set.Rows[row].Label).Distinct().Count() < set.Classes.Count)
                throw new ArgumentProblemException(
                    $"has a class of too few texts to be learned and tested (at least 5 of each; {set.Rows.CountBy(row => row.Label).MinBy(pair => pair.Value)} in the smallest)",
                    set.Name
                );
        return new Used(
            set,
            [.. split.Train.Concat(split.Test).Select(row => set.Rows[row]), .. set.OtherSource],
            split.Train.Count,
            split.Test.Count
        );
    }

    private IEnumerable<ProbeTask> Results(
        Used[] sets,
        PooledTexts read,
        ParseResult arguments,
        IProgress<long> progress,
        CancellationToken cancellationToken
    )
    {
        var options = Defaults with { Sizes = arguments.GetValue(_sizes)! };
        var (start, done) = (0, 0);
        foreach (var set in sets)
        {
            int[] ends = [start, start + set.Train, start + set.Train + set.Test, start + set.Rows.Count];
            var parts = Enumerable
                .Range(0, 3)
                .Select(part => read.Rows([.. Enumerable.Range(ends[part], ends[part + 1] - ends[part])]))
                .ToArray();
            foreach (var positive in set.Positives)
            {
                var labels = Enumerable
                    .Range(0, 3)
                    .Select(part =>
                        set.Rows.Take((ends[part] - start)..(ends[part + 1] - start)).Select(row => row.Label == positive).ToArray()
                    )
                    .ToArray();
                var name = set.Positives.Count > 1 ? $"{set.Set.Name}: {positive}" : set.Set.Name;
                yield return ProbeEvaluation.Run(
                    name,
                    parts[0],
                    labels[0],
                    parts[1],
                    labels[1],
                    parts[2],
                    labels[2],
                    options,
                    cancellationToken
                );
                progress.Report(++done);
            }
            start = ends[3];
        }
    }
}
