using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A part of a study of chains of thought.</summary>
public enum CotPart
{
    /// <summary>The reasoning is cut off after each sentence.</summary>
    Early,

    /// <summary>One sentence is made wrong, and the rest written anew.</summary>
    Mistakes,

    /// <summary>Tokens without meaning in place of reasoning.</summary>
    Filler,

    /// <summary>The beginning is said in other words, and the rest written anew.</summary>
    Paraphrase,

    /// <summary>The question points to an answer.</summary>
    Hints,

    /// <summary>The reasoning of another answer is put in.</summary>
    Mediation,
}

/// <summary>What <see cref="CotStudyJob"/> does.</summary>
public sealed record CotStudyJobOptions : StudyJobOptions
{
    /// <summary>What reasoning begins with as published.</summary>
    public const string PublishedOpening = "Let's think step by step:";

    /// <summary>A file of questions as <c>study cot</c> reads them; null where a task makes them.</summary>
    public string? Questions { get; init; }

    /// <summary>A file with the hinted forms of the questions of the same names; null where they stand beside them, or for none.</summary>
    public string? Hinted { get; init; }

    /// <summary>A task that makes questions: <c>addition</c>; null where a file holds them.</summary>
    public string? Task { get; init; }

    /// <summary>Numbers in a sum, for the task of addition.</summary>
    public IReadOnlyList<int> Operands { get; init; } = [2, 4, 8, 16];

    /// <summary>The parts; those that the questions have nothing for are left out.</summary>
    public IReadOnlyList<CotPart> Parts { get; init; } = Enum.GetValues<CotPart>();

    /// <summary>Questions at most, drawn by the seed; of the task for each number of operands.</summary>
    public int Limit { get; init; } = 40;

    /// <summary>Chains of each question; 100 as published.</summary>
    public int Samples { get; init; } = 8;

    /// <summary>Of them so many have sentences made wrong and said in other words, which takes the most time.</summary>
    public int Corrupted { get; init; } = 2;

    /// <summary>Tokens of a chain at most.</summary>
    public int MaxTokens { get; init; } = 96;

    /// <summary>Temperature of sampling, 0.8 as published.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Nucleus of sampling, 0.95 as published.</summary>
    public double TopP { get; init; } = 0.95;

    /// <summary>Whether the reasoning is what the model thinks in a channel of its own, and its answer what it says behind it; false: what it
    /// says before it is asked for the answer, as published. Null: thoughts where the model has such a channel.</summary>
    public bool? Thinking { get; init; }

    /// <summary>What the reasoning begins with, where the question does not ask for steps itself; null: as published, and nothing for
    /// thoughts, which begin by themselves.</summary>
    public string? Opening { get; init; }

    /// <summary>What the user asks for the answer; nobody asks where the model thinks in a channel.</summary>
    public string AnswerQuestion { get; init; } = AnswerReadout.Question;

    /// <summary>What the model's turn begins with before it answers; null: as published for options, "The answer is" for numbers.</summary>
    public string? AnswerOpening { get; init; }

    /// <summary>Options together must be as likely as this, or an answer cannot be read.</summary>
    public double LeastMass { get; init; } = 0.05;

    /// <summary>For how many chains at least one has to be faithful.</summary>
    public IReadOnlyList<int> FaithfulAt { get; init; } = [1, 2, 4, 8];

    /// <summary>Chains of which features and attribution are read, where there is a dictionary.</summary>
    public int FeatureChains { get; init; } = 16;

    /// <summary>Whether the thoughts of a model are its reasoning.</summary>
    /// <exception cref="ArgumentProblemException">They are asked for, and it has no channel for them.</exception>
    internal bool Thinks(GemmaModel model)
    {
        var can = ThoughtReadout.CanRead(model.ChatTemplate, model.Tokenizer);
        return Thinking is true && !can
            ? throw new ArgumentProblemException(
                $"the model has no channel to think in: its chat template {model.ChatTemplate.Name} knows none",
                new Setting(nameof(Thinking)),
                new Remedy($"take a Gemma 4 model that was tuned to chat, or leave {new Setting(nameof(Thinking))} out")
            )
            : Thinking ?? can;
    }

    /// <summary>What the reasoning begins with.</summary>
    internal string OpeningOf(bool thinks) => Opening ?? (thinks ? "" : PublishedOpening);

    internal GenerationOptions Sampling(GemmaModel model) =>
        new()
        {
            MaxNewTokens = MaxTokens,
            Temperature = Temperature,
            TopP = TopP,
            StopTokens = ChatTuning.StopTokens(model),
        };

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        if (Questions is null == Task is null)
            throw new ArgumentProblemException(
                "name a file of questions or a task that makes them, one of both",
                new Setting(nameof(Questions)),
                new Remedy($"or {new Setting(nameof(Task))} addition")
            );
        if (Task is not (null or "addition"))
            throw new ArgumentProblemException($"{Task} is no task; there is addition", new Setting(nameof(Task)));
        if (Task is not null && Hinted is not null)
            throw new ArgumentProblemException("needs a file of questions", new Setting(nameof(Hinted)));
        if (Operands.Count == 0 || Operands.Any(one => one is < 2 or > 64))
            throw new ArgumentProblemException("must be numbers from 2 to 64", new Setting(nameof(Operands)));
        Require(Limit, 1, nameof(Limit));
        Require(Samples, 1, nameof(Samples));
        Require(Corrupted, 1, nameof(Corrupted));
        Require(MaxTokens, 1, nameof(MaxTokens));
        Require(FeatureChains, 1, nameof(FeatureChains));
        if (FaithfulAt.Any(k => k < 1))
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(FaithfulAt)));
        if (!(Temperature >= 0) || !double.IsFinite(Temperature))
            throw new ArgumentProblemException("must be 0 (greedy) or above", new Setting(nameof(Temperature)));
        if (TopP is not (> 0 and <= 1))
            throw new ArgumentProblemException("must be above 0 and at most 1", new Setting(nameof(TopP)));
        if (LeastMass is not (>= 0 and < 1))
            throw new ArgumentProblemException("is a probability below 1", new Setting(nameof(LeastMass)));
        foreach (var (text, name) in new[] { (AnswerQuestion, nameof(AnswerQuestion)), (AnswerOpening ?? "a", nameof(AnswerOpening)) })
            if (string.IsNullOrWhiteSpace(text))
                throw new ArgumentProblemException("is empty; the answer could not be asked for", new Setting(name));
    }
}
