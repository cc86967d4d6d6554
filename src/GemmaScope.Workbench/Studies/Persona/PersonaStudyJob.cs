using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies who a chat model is: the axis from roles to its default assistant and a cap along it, vectors of traits and what adding them
/// does, and both along a conversation, beside random and shuffled directions. Runs alone are edited.
/// </summary>
public static class PersonaStudyJob
{
    /// <summary>The study's name.</summary>
    public const string Name = "persona";

    /// <summary>The axis's file in the run folder.</summary>
    public const string AxisName = "axis.safetensors";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model.</param>
    /// <param name="options">Roles, traits, questions, and what is tried.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between parts; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat, there are too few questions or roles, or the folder holds
    /// another study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<PersonaStudyResult> RunAsync(
        Microscope microscope,
        PersonaStudyJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static PersonaStudyResult Run(
        Microscope microscope,
        PersonaStudyJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        StudyRunner.RequireChat(microscope, "it plays no assistant");
        progress.Stage("reading roles and questions");
        var roles = PersonaRole.Read(options.Roles);
        var traits = options.MaxTraits == 0 ? [] : Chosen(TraitContrast.Read(options.Traits), options, progress);
        var questions = PersonaQuestions.Of(
            options.Questions is { } file
                ? StudyPrompt.Read(file)
                : [.. StudyData.Lines("questions.txt").Select((line, i) => new StudyPrompt($"{i + 1}", [new("user", line)]))],
            options,
            options.Questions ?? "questions"
        );
        var conversations = StudyPrompt.Conversations(options.Conversation);
        return StudyRunner.Run(
            options,
            Manifest(microscope, options),
            folder => Measure(microscope, options, folder, roles, traits, questions, conversations, progress, cancellationToken),
            PersonaStudyPage.Render,
            progress
        );
    }

    private static PersonaStudyResult Measure(
        Microscope microscope,
        PersonaStudyJobOptions options,
        StudyFolder folder,
        IReadOnlyList<PersonaRole> roles,
        IReadOnlyList<TraitContrast> traits,
        PersonaQuestions questions,
        IReadOnlyList<StudyPrompt> conversations,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var model = microscope.Model;
        var prompts = new InstructedPrompts(model);
        if (!prompts.TakesSystem)
            progress.Note("the model's chat template takes no system message; instructions begin the user's turn.");
        var replies = new PersonaReplies(model, prompts, folder, options.MaxTokens, cancellationToken);
        var text = new StudyText(model, options.Text);
        var meter = new PersonaMeter(model, replies, text, cancellationToken);
        var axis = new PersonaAxisStudy(model, options, folder, replies, meter, progress, cancellationToken);
        var found = axis.Measure(roles, questions);
        DirectionFile.Write(folder.File(AxisName), new(axis.Contrast.Vector, found.Layer, null), overwrite: true);
        var study = new PersonaTraitStudy(model, prompts, options, folder, replies, meter, progress, cancellationToken);
        var measured = traits.Select(trait => study.Measure(trait, questions)).ToArray();
        if (replies.Empty > 0)
            progress.Note($"{replies.Empty} replies were empty; the token that ends them was read in their place.");
        var watches = measured
            .Select(one => Watch.Direction(one.Trait.Trait, Site.ResidPre(one.Trait.Layer), one.Vector))
            .Prepend(Watch.Direction("assistant axis", Site.ResidPre(found.Layer), axis.Contrast.Vector))
            .ToArray();
        PersonaTrait[] shown = [.. measured.Select(one => one.Trait)];
        return new()
        {
            Model = microscope.ModelName,
            Files =
            [
                .. new[] { options.Roles, options.Questions, options.Traits, options.Conversation }
                    .OfType<string>()
                    .Select(file => Path.GetFileName(file)),
            ],
            InstructionsAreSystem = prompts.TakesSystem,
            Questions = [questions.Train.Count, questions.Validation.Count, questions.Test.Count],
            Axis = found,
            Traits = shown,
            Conversations =
            [
                .. conversations.Select(conversation =>
                    Along(model, conversation, watches, prompts.TakesSystem, options, cancellationToken)
                ),
            ],
            Findings = PersonaSummary.Findings(found, shown),
            NotShown = PersonaSummary.NotShown(options, found, shown, prompts.TakesSystem, text.Tokens),
            Seed = options.Seed,
        };
    }

    /// <summary>Projections of every token of a conversation, as it was written.</summary>
    private static PersonaConversation Along(
        GemmaModel model,
        StudyPrompt conversation,
        Watch[] watches,
        bool takesSystem,
        PersonaStudyJobOptions options,
        CancellationToken cancellationToken
    )
    {
        var messages = conversation.Messages;
        if (!takesSystem && messages is [{ Role: "system" } system, { Role: "user" } first, ..])
            messages = [new("user", [.. system.Parts, ChatPart.Of("\n\n"), .. first.Parts]), .. messages.Skip(2)];
        var tokens = ChatTokens.Of(model.ChatTemplate, model.Tokenizer, messages, addGenerationPrompt: false);
        var trace = new MonitorTrace(watches.Length);
        new ActivationMonitor(model.Config, watches, trace.Add).Read(model, [tokens.Ids], cancellationToken: cancellationToken);
        int? MessageOf(int position)
        {
            for (var i = 0; i < tokens.Spans.Count; i++)
                if (position >= tokens.Spans[i].Start && position < tokens.Spans[i].End)
                    return i;
            return null;
        }
        PersonaToken[] read =
        [
            .. Enumerable
                .Range(0, trace.Count)
                .Select(i => new PersonaToken(trace[i].Position, MessageOf(trace[i].Position), trace.Values(i).ToArray())),
        ];
        return new(
            conversation.Id,
            [.. watches.Select(watch => watch.Name)],
            [
                .. messages.Select(
                    (message, i) =>
                        new PersonaMessage(
                            message.Role,
                            [
                                .. Enumerable
                                    .Range(0, watches.Length)
                                    .Select(w =>
                                        read.Where(token => token.Message == i)
                                            .Select(token => (double)token.Values[w])
                                            .DefaultIfEmpty(double.NaN)
                                            .Average()
                                    ),
                            ],
                            options.ShowTexts ? string.Concat(message.Parts.Select(part => part.Text)) : null
                        )
                ),
            ],
            read
        );
    }

    private static IReadOnlyList<TraitContrast> Chosen(
        IReadOnlyList<TraitContrast> all,
        PersonaStudyJobOptions options,
        IProgress<JobReport>? progress
    )
    {
        foreach (var name in options.Trait)
            if (all.All(trait => trait.Name != name))
                throw new ArgumentProblemException(
                    $"there is no trait '{name}'; there are {string.Join(", ", all.Take(10).Select(trait => trait.Name))}"
                        + (all.Count > 10 ? " …" : ""),
                    new Setting(nameof(options.Trait))
                );
        if (options.Trait.Count > 0)
            return [.. all.Where(trait => options.Trait.Contains(trait.Name))];
        if (all.Count > options.MaxTraits)
            progress.Note(
                $"of {all.Count} traits the first {options.MaxTraits} are studied",
                new Remedy($"; name others with {new Setting(nameof(options.Trait))}")
            );
        return [.. all.Take(options.MaxTraits)];
    }

    private static StudyManifest Manifest(Microscope microscope, PersonaStudyJobOptions options) =>
        StudyManifest.Of(
            Name,
            microscope,
            options,
            [
                ("parts", $"{options.Train} {options.Validation} {options.Test}"),
                ("roles", $"{options.MaxRoles}"),
                ("traits", $"{options.MaxTraits} {string.Join('\n', options.Trait)}"),
                ("cap", FormattableString.Invariant($"{options.CapQuantile:r} {options.CapFrom:r}")),
                ("strengths", string.Join(' ', options.Strengths.Select(one => FormattableString.Invariant($"{one:r}")))),
                ("controls", $"{options.Controls}"),
                ("max tokens", $"{options.MaxTokens}"),
                ("text", $"{options.Text.Description} {options.Text.Tokens} {options.Text.Window}"),
            ],
            [
                (nameof(options.Roles), options.Roles),
                (nameof(options.Questions), options.Questions),
                (nameof(options.Traits), options.Traits),
                (nameof(options.Conversation), options.Conversation),
            ]
        );
}
