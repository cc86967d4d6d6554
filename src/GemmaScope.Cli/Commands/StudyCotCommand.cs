using System.CommandLine;
using System.Globalization;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies whether answers rest on the reasoning before them.</summary>
internal sealed class StudyCotCommand : GemmaScopeCommand
{
    private static readonly CotStudyJobOptions Defaults = new() { Out = "" };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string?> _questions = CommonOptions.File(
        "--questions",
        "Questions as JSON lines: question, options and answer; or biased and unbiased turns."
    );
    private readonly Option<string?> _hinted = CommonOptions.File(
        "--hinted",
        "The hinted forms of the questions of the same ids, where they do not stand beside them."
    );
    private readonly Option<string?> _task = new("--task")
    {
        Description = "Make questions instead: addition. They are written into the folder too.",
        HelpName = "TASK",
    };
    private readonly Option<string> _operands = CommonOptions.Words(
        "--operands",
        "N,…|N-M",
        "Numbers in a sum: some between commas, or a range.",
        string.Join(',', Defaults.Operands)
    );
    private readonly Option<string[]> _parts = new("--parts")
    {
        Description =
            $"What is tried: {string.Join(", ", Enum.GetNames<CotPart>().Select(name => name.ToLowerInvariant()))}. Default: all.",
        HelpName = "PART",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<int> _limit = CommonOptions.Number(
            "--limit",
            "N",
            "Questions at most; of a task for each number of operands.",
            Defaults.Limit
        ),
        _samples = CommonOptions.Number("--samples", "N", "Chains of each question (published: 100).", Defaults.Samples),
        _corrupted = CommonOptions.Number("--corrupted", "N", "Of them so many with mistakes and in other words.", Defaults.Corrupted),
        _maxTokens = CommonOptions.Number("--max-tokens", "N", "Tokens of a chain at most.", Defaults.MaxTokens),
        _featureChains = CommonOptions.Number(
            "--feature-chains",
            "N",
            "Chains of which features are read, with a dictionary.",
            Defaults.FeatureChains
        );
    private readonly Option<double> _temperature = CommonOptions.Real("--temperature", "T", "Temperature of chains.", Defaults.Temperature),
        _topP = CommonOptions.Real("--top-p", "P", "Only the most likely tokens that reach P together.", Defaults.TopP),
        _leastMass = CommonOptions.Real(
            "--least-mass",
            "P",
            "Options together must be as likely, or an answer is unreadable.",
            Defaults.LeastMass
        );
    private readonly Option<bool?> _thinking = new("--thinking")
    {
        Description = "Whether the thoughts of the model's channel are the reasoning. Default: where it has such a channel (Gemma 4).",
        HelpName = "true|false",
    };
    private readonly Option<string?> _opening = new("--opening")
    {
        Description = $"What reasoning begins with. Default: '{CotStudyJobOptions.PublishedOpening}' as published, nothing for thoughts.",
        HelpName = "TEXT",
    };
    private readonly Option<string> _answerQuestion = CommonOptions.Words(
        "--answer-question",
        "TEXT",
        "What asks for the answer; nothing does behind thoughts.",
        Defaults.AnswerQuestion
    );
    private readonly Option<string?> _answerOpening = new("--answer-opening")
    {
        Description = "What the answer begins with. Default: as published for options, 'The answer is' for numbers.",
        HelpName = "TEXT",
    };
    private readonly Option<string> _faithfulAt = CommonOptions.Words(
        "--faithful-at",
        "K,…",
        "For how many chains at least one has to be faithful.",
        string.Join(',', Defaults.FaithfulAt)
    );

    public StudyCotCommand()
        : base(
            "cot",
            "Whether answers rest on the reasoning before them: cut off, made wrong, swapped, hinted at, beside reasoning of other questions.",
            "gemmascope study cot --questions questions.jsonl --out cot-demo",
            "gemmascope study cot --task addition --operands 2-16 --limit 10 --out cot-addition",
            "gemmascope study cot --model google/gemma-2-2b-it --questions truthfulqa-suggested_answer.jsonl.gz --parts hints mediation --samples 16 --out cot-2b",
            "gemmascope study cot --questions hinted-mmlu-b.jsonl --hinted hinted-mmlu-a.jsonl --sae demo-sae --out cot-hints --json"
        )
    {
        foreach (var option in (Option[])[_questions, _hinted, _task, _operands, _parts])
            Options.Add(option);
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        foreach (
            var option in (Option[])
                [
                    _limit,
                    _samples,
                    _corrupted,
                    _maxTokens,
                    _temperature,
                    _topP,
                    _thinking,
                    _opening,
                    _answerQuestion,
                    _answerOpening,
                    _leastMass,
                    _faithfulAt,
                    _featureChains,
                ]
        )
            Options.Add(option);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _study.Read(
            arguments,
            Defaults with
            {
                Questions = arguments.GetValue(_questions),
                Hinted = arguments.GetValue(_hinted),
                Task = arguments.GetValue(_task),
                Operands = Operands(arguments.GetValue(_operands)!),
                Parts = Parts(arguments.GetValue(_parts)),
                Limit = arguments.GetValue(_limit),
                Samples = arguments.GetValue(_samples),
                Corrupted = arguments.GetValue(_corrupted),
                MaxTokens = arguments.GetValue(_maxTokens),
                Temperature = arguments.GetValue(_temperature),
                TopP = arguments.GetValue(_topP),
                Thinking = arguments.GetValue(_thinking),
                Opening = arguments.GetValue(_opening),
                AnswerQuestion = arguments.GetValue(_answerQuestion)!,
                AnswerOpening = arguments.GetValue(_answerOpening),
                LeastMass = arguments.GetValue(_leastMass),
                FaithfulAt = [.. Whole(arguments.GetValue(_faithfulAt)!, _faithfulAt.Name)],
                FeatureChains = arguments.GetValue(_featureChains),
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => CotStudyJob.RunAsync(microscope, options, progress, cancellationToken));
        return _study.Print(arguments, session, result, CotStudyText.Write);
    }

    private int[] Operands(string text)
    {
        if (text.Split('-') is not [var from, var to])
            return Whole(text, _operands.Name);
        var (least, most) = (Whole(from, _operands.Name)[0], Whole(to, _operands.Name)[0]);
        return least <= most && most < 1000
            ? [.. Enumerable.Range(least, most - least + 1)]
            : throw new ArgumentProblemException($"'{text}' is no range; write 2-16 or 2,4,8,16", _operands.Name);
    }

    private CotPart[] Parts(string[]? names) =>
        names is null or []
            ? [.. Enum.GetValues<CotPart>()]
            :
            [
                .. names
                    .SelectMany(name => name.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    .Select(name =>
                        Enum.TryParse<CotPart>(name, ignoreCase: true, out var part) && Enum.IsDefined(part) && !char.IsDigit(name[0])
                            ? part
                            : throw new ArgumentProblemException(
                                $"'{name}' is no part; there are {string.Join(", ", Enum.GetNames<CotPart>().Select(one => one.ToLowerInvariant()))}",
                                _parts.Name
                            )
                    ),
            ];

    private static int[] Whole(string text, string option) =>
        [
            .. text.Split(',')
                .Select(part =>
                    int.TryParse(part, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
                        ? number
                        : throw new ArgumentProblemException($"'{part}' is no whole number", option)
                ),
        ];
}
