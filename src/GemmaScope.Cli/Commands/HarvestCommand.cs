using System.CommandLine;
using System.CommandLine.Parsing;
using GemmaScope.Cli.Output;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes activations over a text into a store, to train dictionaries on.</summary>
internal sealed class HarvestCommand : GemmaScopeCommand
{
    private static readonly HarvestJobOptions Defaults = new()
    {
        Text = [],
        Sites = "",
        Store = "",
    };

    private static readonly Dictionary<string, DType> Types = new()
    {
        ["f32"] = DType.F32,
        ["bf16"] = DType.BF16,
        ["f16"] = DType.F16,
    };

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string[]> _text;
    private readonly ReadingArguments _reading;
    private readonly Option<string> _sites,
        _out,
        _type;
    private readonly Option<long> _tokens,
        _bucket,
        _seed;
    private readonly Option<long?> _maxBytes;
    private readonly Option<int> _context;
    private readonly Option<(int Index, int Count)> _part;
    private readonly Option<bool> _json;

    public HarvestCommand()
        : base(
            "harvest",
            "Write a model's activations over a text into a store, to train dictionaries on. "
                + "The same command goes on where it was interrupted.",
            "gemmascope harvest --text texts/ --sites resid_post.3 --out store",
            "gemmascope harvest --model google/gemma-2-2b --text corpus.jsonl.gz --sites resid_post.*,z.*,mlp_out.* "
                + "--tokens 10M --dtype bf16 --out store",
            "gemmascope harvest --text texts/ --sites mlp_in.0-2,mlp_out.0-2 --part 0/8 --max-bytes 100GB --out store"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _text = Add(CommonOptions.Text());
        _reading = new ReadingArguments(this);
        _sites = Add(
            new Option<string>("--sites")
            {
                Description =
                    "Sites separated by commas; the layer may be * or a range: resid_post.*,z.3,mlp_out.0-5. All are taken from one pass.",
                HelpName = "SITES",
                Required = true,
            }
        );
        _out = Add(
            new Option<string>("--out", "-o")
            {
                Description = "The store's folder.",
                HelpName = "DIR",
                Required = true,
            }
        );
        _tokens = Add(
            new Option<long>("--tokens")
            {
                Description = "Take this many tokens of text, of all parts together; the last window is cut there.",
                HelpName = "N",
                DefaultValueFactory = _ => Defaults.Tokens,
                CustomParser = Quantity.Count,
            }
        );
        _type = Add(
            new Option<string>("--dtype")
            {
                Description = "Stored type.",
                HelpName = "TYPE",
                DefaultValueFactory = _ => Types.Single(type => type.Value == Defaults.Type).Key,
            }
        );
        _type.AcceptOnlyFromAmong([.. Types.Keys]);
        _context = Add(
            CommonOptions.Number("--context", "N", "Tokens of a window, BOS included; at most the model's own context.", Defaults.Context)
        );
        _bucket = Add(
            new Option<long>("--bucket")
            {
                Description = "Rows that are shuffled together. An interruption costs at most so many.",
                HelpName = "N",
                DefaultValueFactory = _ => Defaults.BucketRows,
                CustomParser = Quantity.Count,
            }
        );
        _seed = Add(new Option<long>("--seed") { Description = "Seed of the shuffle.", HelpName = "N" });
        _part = Add(
            new Option<(int, int)>("--part")
            {
                Description = "Write part I of N, counted from 0; N processes or array tasks write one store at once.",
                HelpName = "I/N",
                DefaultValueFactory = _ => (0, 1),
                CustomParser = result => Quantity.Part(result),
            }
        );
        _maxBytes = Add(
            new Option<long?>("--max-bytes")
            {
                Description = "Refuse to begin if the store, all parts together, would become larger.",
                HelpName = "SIZE",
                CustomParser = Quantity.Bytes,
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Read(arguments);
        using var microscope = _microscope.Open(arguments, session);
        var store = session.Run((progress, cancellationToken) => HarvestJob.RunAsync(microscope, options, progress, cancellationToken));
        StoreOutput.Write(session.Terminal, store, arguments.GetValue(_json));
        return Application.Success;
    }

    private HarvestJobOptions Read(ParseResult arguments)
    {
        if (arguments.GetValue(_bucket) > int.MaxValue)
            throw new ArgumentProblemException($"must be below {int.MaxValue}", _bucket.Name);
        var (part, parts) = arguments.GetValue(_part);
        return new()
        {
            Text = arguments.GetValue(_text)!,
            Reading = _reading.Read(arguments),
            Sites = arguments.GetValue(_sites)!,
            Store = arguments.GetValue(_out)!,
            Tokens = arguments.GetValue(_tokens),
            Type = Types[arguments.GetValue(_type)!],
            Context = arguments.GetValue(_context),
            BucketRows = (int)arguments.GetValue(_bucket),
            Seed = arguments.GetValue(_seed),
            Part = part,
            Parts = parts,
            MaxBytes = arguments.GetValue(_maxBytes),
        };
    }
}
