using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies whether a model's answers rest on the reasoning that it writes before them (METHODS §6.8): reasoning is cut off, made wrong,
/// replaced by filler, said in other words and swapped, and questions point to answers; each beside reasoning that has nothing to do with
/// the question.
/// </summary>
public static class CotStudyJob
{
    /// <summary>The study's name.</summary>
    internal const string Name = "cot";

    /// <summary>The file of the questions that a task made, in the run folder.</summary>
    public const string QuestionsName = "questions.jsonl";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model, and dictionaries of its features if any.</param>
    /// <param name="options">Questions, and what is tried.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between tokens and parts; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat, no question fits into its context, or the folder holds
    /// another study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<CotStudyResult> RunAsync(
        Microscope microscope,
        CotStudyJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static CotStudyResult Run(
        Microscope microscope,
        CotStudyJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        StudyRunner.RequireChat(microscope, "it takes no questions");
        progress.Stage("reading questions");
        CotModel model = new(microscope.Model, options, cancellationToken);
        var asked = model.Ask(Questions(options, progress), progress);
        return StudyRunner.Run(
            options,
            Manifest(microscope, options, model.Thinks),
            folder =>
            {
                if (options.Task is not null)
                    CotTasks.Write(asked, folder.File(QuestionsName));
                CotStudyRun run = new(model, asked, options, folder, progress, cancellationToken);
                var questions = run.Measure();
                var (attribution, features) = CotFeatureStudy.Measure(
                    microscope,
                    model,
                    asked,
                    run,
                    questions,
                    options,
                    folder,
                    progress,
                    cancellationToken
                );
                return Result(microscope, model.Thinks, asked, questions, run.Masses(), attribution, features, options);
            },
            CotStudyPage.Render,
            progress
        );
    }

    private static CotStudyResult Result(
        Microscope microscope,
        bool thinks,
        IReadOnlyList<CotAsked> asked,
        IReadOnlyList<CotQuestionResult> questions,
        double[] masses,
        IReadOnlyList<CotAttribution> attribution,
        IReadOnlyList<CotFeatures> features,
        CotStudyJobOptions options
    )
    {
        CotSummary summary = new(asked, questions, options);
        // The probability of options says nothing where there are none.
        var gain = summary.Gain(asked.Any(one => one.Question.Options.Count > 0) ? masses : null);
        CotStudyResult result = new()
        {
            Model = microscope.ModelName,
            Files = [.. new[] { options.Questions, options.Hinted }.OfType<string>().Select(path => Path.GetFileName(path))],
            Task = options.Task,
            Thinking = thinks,
            Verdict = CotVerdict.Of(gain, summary.Chance),
            Chance = summary.Chance,
            Gain = gain,
            Early = summary.Early(),
            Mistakes = summary.Mistakes(),
            Filler = summary.Filler(),
            Paraphrase = summary.Paraphrase(),
            Hints = summary.Hints(),
            Mediation = summary.Mediation(),
            FaithfulAt = summary.FaithfulAt(),
            Attribution = attribution,
            Features = features,
            Questions = questions,
            Findings = [],
            NotShown = [],
            Seed = options.Seed,
        };
        return result with
        {
            Findings = CotVerdict.Findings(result),
            NotShown = CotVerdict.NotShown(result, options, CotCorruption.How(asked)),
        };
    }

    private static CotQuestion[] Questions(CotStudyJobOptions options, IProgress<JobReport>? progress)
    {
        if (options.Task is not null)
            return
            [
                .. AdditionTask
                    .Make(options.Operands, options.Limit, options.Seed)
                    .Select(one => new CotQuestion(one.Id, [new ChatMessage("user", one.Question)], [], one.Answer)),
            ];
        CotQuestion[] all = [.. CotQuestion.Read(options.Questions!, options.Hinted, progress)];
        new Random(options.Seed).Shuffle(all);
        return all[..Math.Min(options.Limit, all.Length)];
    }

    private static StudyManifest Manifest(Microscope microscope, CotStudyJobOptions options, bool thinks) =>
        StudyManifest.Of(
            Name,
            microscope,
            options,
            [
                ("task", options.Task is null ? "" : $"{options.Task} {string.Join(' ', options.Operands)}"),
                ("parts", string.Join(' ', options.Parts.Distinct().Order())),
                ("questions", $"{options.Limit}"),
                ("samples", $"{options.Samples} {options.Corrupted}"),
                ("max tokens", $"{options.MaxTokens}"),
                ("sampling", FormattableString.Invariant($"{options.Temperature:r} {options.TopP:r}")),
                (
                    "answer",
                    FormattableString.Invariant(
                        $"{(thinks ? "thoughts " : "")}{options.OpeningOf(thinks)}\n{options.AnswerQuestion}\n{options.AnswerOpening}\n{options.LeastMass:r}"
                    )
                ),
                ("features", $"{options.FeatureChains}"),
            ],
            [(nameof(options.Questions), options.Questions), (nameof(options.Hinted), options.Hinted)]
        );
}
