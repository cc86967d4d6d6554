using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A prompt in the model's form.</summary>
internal sealed record AskedPrompt(StudyPrompt Prompt, ChatTokens Tokens);

/// <summary>The prompts of a study of refusal, split and in the model's form.</summary>
internal sealed class RefusalSets
{
    public const string Harmful = "harmful",
        Harmless = "harmless",
        OverRefusal = "over_refusal";

    private const int LongestPrompt = 512;

    private readonly GemmaModel _model;
    private int _tooLong;

    public RefusalSets(GemmaModel model, RefusalStudyJobOptions options, IProgress<JobReport>? progress)
    {
        _model = model;
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
            : Asked([.. StudyPrompt.Read(options.OverRefusal, harmful: false).DistinctBy(one => one.Text).Take(options.Test)]);
        if (_tooLong > 0)
            progress.Note($"{_tooLong} prompts are longer than {LongestPrompt} tokens and were left out.");
        PostInstruction = HarmfulSplit.Train[0].Tokens.PostInstruction.ToArray();
        if (
            HarmfulSplit
                .All.Concat(HarmlessSplit.All)
                .Any(one => !one.Tokens.PostInstruction.SequenceEqual(PostInstruction) || one.Prompt.Messages.Count == 0)
        )
            throw new ArgumentProblemException(
                "the model's chat template ends prompts in different ways, so that positions behind them mean nothing in common"
            );
    }

    public AskedSplit HarmfulSplit { get; }

    public AskedSplit HarmlessSplit { get; }

    public IReadOnlyList<AskedPrompt> Over { get; }

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
            : throw new ArgumentProblemException($"the prompts of a part are all longer than {LongestPrompt} tokens", name);
    }

    private List<AskedPrompt> Asked(IReadOnlyList<StudyPrompt> prompts)
    {
        List<AskedPrompt> asked = [];
        foreach (var prompt in prompts)
        {
            var tokens = ChatTokens.Of(_model.ChatTemplate, _model.Tokenizer, prompt.Messages);
            if (tokens.Ids.Length <= LongestPrompt)
                asked.Add(new(prompt, tokens));
            else
                _tooLong++;
        }
        return asked;
    }
}

/// <summary>The prompts of one side.</summary>
internal sealed record AskedSplit(IReadOnlyList<AskedPrompt> Train, IReadOnlyList<AskedPrompt> Validation, IReadOnlyList<AskedPrompt> Test)
{
    public IEnumerable<AskedPrompt> All => Train.Concat(Validation).Concat(Test);
}

internal static class AskedPrompts
{
    /// <summary>The token ids of prompts.</summary>
    public static int[][] Ids(this IEnumerable<AskedPrompt> prompts) => [.. prompts.Select(one => one.Tokens.Ids)];

    /// <summary>Those of prompts that have a score on the right side of 0.</summary>
    public static int[][] Kept(this IReadOnlyList<AskedPrompt> prompts, double[] scores, bool refused) =>
        [.. prompts.Zip(scores).Where(one => refused ? one.Second > 0 : one.Second < 0).Select(one => one.First.Tokens.Ids)];
}
