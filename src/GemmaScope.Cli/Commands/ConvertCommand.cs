using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes a dictionary in another form, or a model in its light form.</summary>
internal sealed class ConvertCommand : GemmaScopeCommand
{
    private static readonly string[] Types = ["f32", "bf16"];

    private readonly Argument<string> _source;
    private readonly Argument<string?> _target;
    private readonly SiteArguments _reads;
    private readonly Option<DictionaryForm?> _form;
    private readonly Option<LightWeights?> _weights;
    private readonly Option<string> _type;
    private readonly Option<string?> _out;
    private readonly Option<bool> _fold,
        _force,
        _json;

    public ConvertCommand()
        : base(
            "convert",
            "Write a dictionary in the form of Gemma Scope 1, Gemma Scope 2 or SAELens; what a form cannot express is refused, with the "
                + "reason. Or write a model with weights of 8 or 4 bits, which takes two thirds or less than half of the memory.",
            "gemmascope convert demo-sae my-sae --to saelens",
            "gemmascope convert gemma-scope-2b-pt-res-canonical/layer_20/width_16k sae --to scope2 --dtype bf16",
            "gemmascope convert my-sae resid_post/layer_20/width_16k/average_l0_71 --to scope1 --fold-decoder-norm",
            "gemmascope convert google/gemma-2-2b --weights int8 --out gemma-2-2b-int8"
        )
    {
        _source = Add(
            new Argument<string>("source")
            {
                Description =
                    "A dictionary: a file, a folder, a name in the catalogue, or a reference on the hub; or a model, for --weights.",
                HelpName = "source",
            }.Offering(KnownWords.Dictionaries)
        );
        _target = Add(
            new Argument<string?>("target")
            {
                Description = "The folder to write; without one, a model's is called MODEL-int8 or MODEL-int4.",
                Arity = ArgumentArity.ZeroOrOne,
            }
        );
        _out = Add(new Option<string?>("--out", "-o") { Description = "The same: the folder to write.", HelpName = "DIR" });
        _reads = new SiteArguments(this);
        _form = Add(new Option<DictionaryForm?>("--to") { Description = "The form to write a dictionary in.", HelpName = "FORM" });
        _weights = Add(
            new Option<LightWeights?>("--weights")
            {
                Description = "Write a model with the matrices of its layers in whole numbers: int8 or int4.",
                HelpName = "BITS",
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
        var (argument, option) = (arguments.GetValue(_target), arguments.GetValue(_out));
        if (argument is not null && option is not null)
            throw new ArgumentProblemException("names a second folder; give one", "--out");
        var target = argument ?? option;
        return (arguments.GetValue(_form), arguments.GetValue(_weights)) switch
        {
            ({ } form, null) => Convert(
                arguments,
                session,
                form,
                target ?? throw new ArgumentProblemException("is missing: the folder to write", "target")
            ),
            (null, { } weights) => Quantise(arguments, session, weights, target),
            (null, null) => throw new ArgumentProblemException("say what to write: a dictionary's form, or --weights for a model", "--to"),
            _ => throw new ArgumentProblemException("is for models, --to for dictionaries; give one of the two", "--weights"),
        };
    }

    private int Convert(ParseResult arguments, Session session, DictionaryForm form, string target)
    {
        var options = new ConvertJobOptions
        {
            Source = arguments.GetValue(_source)!,
            Target = target,
            Reads = _reads.Read(arguments),
            Form = form,
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

    private int Quantise(ParseResult arguments, Session session, LightWeights weights, string? target)
    {
        var options = new QuantiseJobOptions
        {
            Model = arguments.GetValue(_source)!,
            Target = target,
            Weights = weights,
        };
        var result = session.Run((progress, cancellationToken) => QuantiseJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            session.Terminal.Out.WriteLine(
                $"{result.Model} written to {result.Target}: {result.Matrices} matrices in {result.BlockType}, "
                    + $"{Format.Bytes(result.BytesBefore)} became {Format.Bytes(result.Bytes)}, error of the weights {100 * result.Error:0.##} %"
            );
        return Application.Success;
    }
}
