using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Feature absorption on first letters.</summary>
internal sealed class AbsorptionCommand : GemmaScopeCommand
{
    private static readonly AbsorptionJobOptions Defaults = new() { Words = [] };

    private readonly MicroscopeArguments _microscope;
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
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _words = Add(
            new Option<string[]>("--words")
            {
                Description = "Files with one word a line.",
                HelpName = "FILE",
                Required = true,
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _examples = Add(CommonOptions.Number("--examples", "N", "Solved examples in each prompt, 0 to 10.", Defaults.Examples));
        _maxTokens = Add(CommonOptions.Number("--max-tokens", "N", "Words of more tokens are left out.", Defaults.MaxTokens));
        _seed = Add(new Option<int>("--seed") { Description = "Chooses the examples and divides the words.", HelpName = "N" });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Defaults with
        {
            Examples = arguments.GetValue(_examples),
            MaxTokens = arguments.GetValue(_maxTokens),
            Seed = arguments.GetValue(_seed),
        };
        options.Check();
        options = options with { Words = SpellingPrompts.ReadWords(arguments.GetValue(_words)!) };
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => AbsorptionJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            AbsorptionText.Write(session.Terminal, result);
        return Application.Success;
    }
}
