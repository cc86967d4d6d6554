using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>The prompts of a study of refusal, split and in the model's form.</summary>
internal sealed class RefusalSets
{
    public const string Harmful = "harmful",
        Harmless = "harmless",
        OverRefusal = "over_refusal";

    private readonly GemmaModel _model;
    private readonly IProgress<JobReport>? _progress;

    public RefusalSets(GemmaModel model, RefusalStudyJobOptions options, IProgress<JobReport>? progress)
    {
        (_model, _progress) = (model, progress);
        var (harmful, harmless) = (StudyPrompt.Read(options.Harmful, harmful: true), StudyPrompt.Read(options.Harmless, harmful: false));
        if (harmful.Select(one => one.Text).Intersect(harmless.Select(one => one.Text)).Count() is > 0 and var both)
            throw new ArgumentProblemException(
                $"{both} prompts are on both sides; a prompt is harmful or harmless",
                new Setting(nameof(options.Harmless))
            );
        HarmfulSplit = Split(harmful, options, options.Harmful);
        HarmlessSplit = Split(harmless, options, options.Harmless);
        Over = options.OverRefusal is null
            ? []
            : Asked([
                .. StudyPrompt
                    .Read(options.OverRefusal, harmful: false)
                    .DistinctBy(one => one.Text)
                    .Where(one => options.HeldOut is not { } divisor || one.IsHeldOut(divisor))
                    .Take(options.Test),
            ]);
        Tasks = options.Tasks is null ? null : StudyTasks.Read(model, options.Tasks, progress);
        PostInstruction = HarmfulSplit.Train[0].Tokens.PostInstruction.ToArray();
        if (HarmfulSplit.All.Concat(HarmlessSplit.All).Any(one => !one.Tokens.PostInstruction.SequenceEqual(PostInstruction)))
            throw new ArgumentProblemException(
                "the model's chat template ends prompts in different ways, so that positions behind them mean nothing in common"
            );
    }

    public AskedSplit HarmfulSplit { get; }

    public AskedSplit HarmlessSplit { get; }

    public IReadOnlyList<AskedPrompt> Over { get; }

    /// <summary>What the model should still be able to do; null without.</summary>
    public StudyTasks? Tasks { get; }

    /// <summary>The ids behind every request.</summary>
    public int[] PostInstruction { get; }

    /// <summary>What results are measured on.</summary>
    public IReadOnlyList<(string Set, IReadOnlyList<AskedPrompt> Prompts)> Tests =>
        [
            (Harmful, HarmfulSplit.Test),
            (Harmless, HarmlessSplit.Test),
            .. Over.Count > 0 ? ((string, IReadOnlyList<AskedPrompt>)[])[(OverRefusal, Over)] : [],
        ];

    private AskedSplit Split(IReadOnlyList<StudyPrompt> prompts, RefusalStudyJobOptions options, string name)
    {
        var split = StudySplit.Of(prompts, options.Train, options.Validation, options.Test, options.HeldOut, options.Seed, name);
        var asked = new AskedSplit(Asked(split.Train), Asked(split.Validation), Asked(split.Test));
        return asked is { Train.Count: > 0, Validation.Count: > 0, Test.Count: > 0 }
            ? asked
            : throw new ArgumentProblemException($"the prompts of a part are all too long", name);
    }

    private List<AskedPrompt> Asked(IReadOnlyList<StudyPrompt> prompts) => AskedPrompt.Ask(_model, prompts, _progress);
}

/// <summary>The prompts of one side.</summary>
internal sealed record AskedSplit(IReadOnlyList<AskedPrompt> Train, IReadOnlyList<AskedPrompt> Validation, IReadOnlyList<AskedPrompt> Test)
{
    public IEnumerable<AskedPrompt> All => Train.Concat(Validation).Concat(Test);
}
