using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes a dictionary in another form.</summary>
internal sealed class ConvertCommand : GemmaScopeCommand
{
    private static readonly string[] Types = ["f32", "bf16"];

    private readonly Argument<string> _source,
        _target;
    private readonly SiteArguments _reads;
    private readonly Option<DictionaryForm> _form;
    private readonly Option<string> _type;
    private readonly Option<bool> _fold,
        _force,
        _json;

    public ConvertCommand()
        : base(
            "convert",
            "Write a dictionary in the form of Gemma Scope 1, Gemma Scope 2 or SAELens. "
                + "What a form cannot express is refused, with the reason.",
            "gemmascope convert demo-sae my-sae --to saelens",
            "gemmascope convert gemma-scope-2b-pt-res-canonical/layer_20/width_16k sae --to scope2 --dtype bf16",
            "gemmascope convert my-sae resid_post/layer_20/width_16k/average_l0_71 --to scope1 --fold-decoder-norm"
        )
    {
        _source = Add(
            new Argument<string>("source")
            {
                Description = "A dictionary: a file, a folder, a name in the catalogue, or a reference on the hub.",
                HelpName = "source",
            }.Offering(KnownWords.Dictionaries)
        );
        _target = Add(new Argument<string>("target") { Description = "The folder to write." });
        _reads = new SiteArguments(this);
        _form = Add(
            new Option<DictionaryForm>("--to")
            {
                Description = "The form to write.",
                Required = true,
                HelpName = "FORM",
            }
        );
        _fold = Add(
            new Option<bool>("--fold-decoder-norm")
            {
                Description = "Make decoder vectors unit vectors; their norms go into the activations.",
            }
        );
        _type = Add(
            new Option<string>("--dtype")
            {
                Description = "Type of the matrices.",
                HelpName = "TYPE",
                DefaultValueFactory = _ => Types[0],
            }
        );
        _type.AcceptOnlyFromAmong(Types);
        _force = Add(new Option<bool>("--force") { Description = "Replace a dictionary of the same form in the folder." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new ConvertJobOptions
        {
            Source = arguments.GetValue(_source)!,
            Target = arguments.GetValue(_target)!,
            Reads = _reads.Read(arguments),
            Form = arguments.GetValue(_form),
            FoldDecoderNorm = arguments.GetValue(_fold),
            Type = arguments.GetValue(_type) == Types[1] ? DType.BF16 : DType.F32,
            Overwrite = arguments.GetValue(_force),
        };
        var result = session.Run((progress, cancellationToken) => ConvertJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            session.Terminal.Out.WriteLine(
                $"{result.Source} ({result.From}) written to {result.Target} ({result.To}, {result.Features} features)"
            );
        return Application.Success;
    }
}
