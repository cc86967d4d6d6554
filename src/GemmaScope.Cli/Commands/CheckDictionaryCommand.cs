using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Finds out whether dictionaries read what they were trained on.</summary>
internal sealed class CheckDictionaryCommand : GemmaScopeCommand
{
    private readonly MicroscopeArguments _microscope;
    private readonly Option<bool> _json;

    public CheckDictionaryCommand()
        : base(
            "check",
            "Find out whether dictionaries belong to a model and read the right site: by L0, FVU and norms on a built-in text.",
            "gemmascope dictionaries check",
            "gemmascope dictionaries check --model google/gemma-2-2b-it "
                + "--sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
            "gemmascope dictionaries check --sae demo-scope --json"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many, checks: false);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CheckDictionariesJob.RunAsync(microscope, options: null, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CheckedDictionariesText.Write(session.Terminal, result);
        return Application.Success;
    }
}
