using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Feature absorption on first letters.</summary>
internal sealed class AbsorptionCommand : GemmaScopeCommand
{
    private readonly MicroscopeArguments _laboratory;
    private readonly Option<string[]> _words;
    private readonly Option<int> _examples,
        _maxTokens,
        _seed;
    private readonly Option<bool> _json;

    public AbsorptionCommand()
        : base(
            "absorption",
            "Measure feature absorption: features of a first letter that are silent on words where another feature has taken over.",
            "gemmascope absorption --words words.txt",
            "gemmascope absorption --words words.txt --max-tokens 4 --examples 5 --json"
        )
    {
        _laboratory = new MicroscopeArguments(this, DictionaryUse.Many);
        _words = Add(
            new Option<string[]>("--words")
            {
                Description = "Files with one word a line.",
                HelpName = "FILE",
                Required = true,
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _examples = Add(
            new Option<int>("--examples")
            {
                Description = "Solved examples in each prompt, 0 to 10.",
                HelpName = "N",
                DefaultValueFactory = _ => 10,
            }
        );
        _maxTokens = Add(
            new Option<int>("--max-tokens")
            {
                Description = "Words of more tokens are left out.",
                HelpName = "N",
                DefaultValueFactory = _ => 1,
            }
        );
        _seed = Add(new Option<int>("--seed") { Description = "Chooses the examples and divides the words.", HelpName = "N" });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        if (arguments.GetValue(_maxTokens) < 1)
            throw new ArgumentProblemException("must be at least 1", "--max-tokens");
        var words = SpellingPrompts.ReadWords(arguments.GetValue(_words)!);
        using var laboratory = _laboratory.Open(arguments, session);
        var prompts = SpellingPrompts.Make(
            laboratory.Model.Tokenizer,
            words,
            arguments.GetValue(_examples),
            arguments.GetValue(_maxTokens),
            arguments.GetValue(_seed)
        );
        if (prompts.Count == 0)
            throw new ArgumentProblemException(
                $"none of {words.Count} words has {arguments.GetValue(_maxTokens)} token or fewer; raise --max-tokens",
                "--words"
            );
        var read = Watching.Watch(
            session,
            "words",
            prompts.Count,
            progress => SpellingReadings.Of(laboratory.Model, laboratory.Dictionaries, prompts, progress, session.Cancellation)
        );
        var options = new FirstLetterOptions { Seed = arguments.GetValue(_seed) };
        var reports = Enumerable
            .Range(0, laboratory.Dictionaries.Count)
            .Select(d =>
                Watching.Watch(
                    session,
                    "letters",
                    prompts.Select(prompt => prompt.Letter).Distinct().Count(),
                    progress =>
                        FirstLetterAbsorption.Run(
                            laboratory.Dictionaries[d],
                            prompts,
                            read.Activations[d],
                            read.Features[d],
                            options,
                            progress,
                            session.Cancellation
                        )
                )
            )
            .ToArray();
        var view = new AbsorptionView(laboratory, words.Count, prompts, arguments.GetValue(_examples), reports);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => AbsorptionOutput.Write(json, view));
        else
            AbsorptionOutput.Write(session.Terminal, view);
        return Application.Success;
    }
}
